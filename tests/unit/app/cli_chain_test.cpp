#include "app/cli.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;

namespace {

constexpr char const* kUrl = "http://127.0.0.1:11435";

template <class Options>
Options parsed(std::vector<std::string> const& words) {
    auto const result = parse_command_line(words, kUrl);
    if (auto const* exit = std::get_if<Exit>(&result)) {
        FAIL(exit->err + exit->out);
    }
    return std::get<Options>(std::get<Command>(result));
}

std::string refused(std::vector<std::string> const& words) {
    auto const result = parse_command_line(words, kUrl);
    REQUIRE(std::holds_alternative<Exit>(result));
    CHECK(std::get<Exit>(result).status == 2);
    return std::get<Exit>(result).err;
}

}  // namespace

TEST_CASE("cli: chain run takes a name, or a file by its ending", "[app][unit]") {
    auto const saved = parsed<ChainOptions>({"chain", "run", "summary"});
    CHECK(saved.action == ChainOptions::Action::Run);
    CHECK(saved.name == "summary");
    CHECK(saved.file.empty());
    CHECK(saved.url == kUrl);
    CHECK_FALSE(saved.input);
    for (auto const* file : {"a.json", "b/a.toml", "-", "no/such"}) {
        CAPTURE(file);
        auto const options = parsed<ChainOptions>({"chain", "run", file});
        CHECK(options.file == file);
        CHECK(options.name.empty());
    }
}

TEST_CASE("cli: chain run carries input and variables as they are", "[app][unit]") {
    auto const options = parsed<ChainOptions>(
        {"chain",
         "run",
         "summary",
         "--input",
         "",
         "--var",
         "a=1=2",
         "--var",
         "b=",
         "--var",
         "a=x y, z",
         "--json",
         "--quiet",
         "--url",
         "http://box:1"}
    );
    CHECK(options.input == "");
    CHECK(options.vars == std::map<std::string, std::string>{{"a", "x y, z"}, {"b", ""}});
    CHECK(options.json);
    CHECK(options.quiet);
    CHECK(options.url == "http://box:1");
    CHECK(parsed<ChainOptions>({"chain", "run", "s", "--input", "-"}).input == "-");
    CHECK(parsed<ChainOptions>({"chain", "run", "s", "--input", "-- no -x"}).input == "-- no -x");
}

TEST_CASE("cli: what chain cannot make sense of is refused with a reason", "[app][unit]") {
    CHECK_THAT(refused({"chain", "run"}), ContainsSubstring("required"));
    CHECK_THAT(refused({"chain"}), ContainsSubstring("plimsoll chain --help"));
    CHECK_THAT(refused({"chain", "rnu"}), ContainsSubstring("did you mean run?"));
    CHECK_THAT(
        refused({"chain", "run", "s", "--var", "novalue"}), ContainsSubstring("is no NAME=VALUE")
    );
    CHECK_THAT(
        refused({"chain", "run", "s", "--var", "=x"}), ContainsSubstring("is no NAME=VALUE")
    );
    CHECK_THAT(refused({"chain", "run", "-", "--input", "-"}), ContainsSubstring("cannot be both"));
    CHECK_THAT(refused({"chain", "show", "a/b"}), ContainsSubstring("letters, digits"));
    CHECK_THAT(refused({"chain", "delete", ""}), ContainsSubstring("letters, digits"));
    CHECK_THAT(refused({"chain", "save", "../x", "a.json"}), ContainsSubstring("letters, digits"));
}

TEST_CASE("cli: the other words of chain", "[app][unit]") {
    using Action = ChainOptions::Action;
    CHECK(parsed<ChainOptions>({"chain", "list", "--json"}).action == Action::List);
    CHECK(parsed<ChainOptions>({"chain", "show", "summary"}).name == "summary");
    CHECK(parsed<ChainOptions>({"chain", "check", "-"}).file == "-");
    auto const saved = parsed<ChainOptions>({"chain", "save", "summary", "a.toml"});
    CHECK(saved.action == Action::Save);
    CHECK(saved.name == "summary");
    CHECK(saved.file == "a.toml");
    CHECK(parsed<ChainOptions>({"chain", "delete", "summary"}).action == Action::Delete);
}

TEST_CASE("cli: runs lists, and has words of its own", "[app][unit]") {
    using Action = RunsOptions::Action;
    auto const list = parsed<RunsOptions>({"runs", "--limit", "5", "--json"});
    CHECK(list.action == Action::List);
    CHECK(list.limit == 5);
    CHECK(list.json);
    CHECK(parsed<RunsOptions>({"runs"}).limit == 20);
    CHECK(parsed<RunsOptions>({"runs", "cancel", "5f1c"}).action == Action::Cancel);
    auto const resume = parsed<RunsOptions>({"runs", "resume", "5f1c", "--detach", "--quiet"});
    CHECK(resume.action == Action::Resume);
    CHECK(resume.detach);
    CHECK(resume.quiet);
}

TEST_CASE("cli: options of runs count before and behind its second word", "[app][unit]") {
    for (auto const& words : std::vector<std::vector<std::string>>{
             {"runs", "--url", "http://box:1", "show", "5f1c"},
             {"runs", "show", "5f1c", "--url", "http://box:1"},
         }) {
        auto const show = parsed<RunsOptions>(words);
        CHECK(show.action == RunsOptions::Action::Show);
        CHECK(show.id == "5f1c");
        CHECK(show.url == "http://box:1");
    }
    CHECK_THAT(refused({"runs", "shwo", "5f1c"}), ContainsSubstring("did you mean show?"));
    CHECK_THAT(refused({"runs", "show", "../chains"}), ContainsSubstring("letters, digits"));
    CHECK_THAT(refused({"runs", "--limit", "0"}), ContainsSubstring("--limit"));
}
