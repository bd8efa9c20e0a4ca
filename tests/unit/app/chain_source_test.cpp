#include "app/chain_source.hpp"

#include "support/catch.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

using namespace plimsoll;
using namespace plimsoll::app;
using Catch::Matchers::StartsWith;

namespace {

std::string error_of(std::string const& text, std::string const& file) {
    auto const parsed = parse_chain({file, text}, file);
    return parsed ? "none" : parsed.error();
}

struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() /
                                 ("plimsoll-chain-source-" + std::to_string(::getpid()));

    Folder() { std::filesystem::create_directories(path); }

    ~Folder() { std::filesystem::remove_all(path); }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
};

}  // namespace

TEST_CASE("chain source: a path that is there, or an ending, is a file", "[app][unit]") {
    Folder const folder;
    CHECK(is_chain_file("-"));
    CHECK(is_chain_file("missing.json"));
    CHECK(is_chain_file("missing.TOML"));
    CHECK_FALSE(is_chain_file("summary"));
    CHECK_FALSE(is_chain_file(folder.path.string()));  // a folder may be called as a chain is
    auto const file = folder.path / "chain";
    std::ofstream(file) << "{}";
    CHECK(is_chain_file(file.string()));
}

TEST_CASE("chain source: names are those that make no other path", "[app][unit]") {
    CHECK(is_plain_name("a-Z_09"));
    for (auto const* text : {"", "a/b", "..", "a b", "a?b", "\xc3\xa4"}) {
        CAPTURE(text);
        CHECK_FALSE(is_plain_name(text));
    }
    CHECK_FALSE(is_plain_name(std::string(65, 'a')));
}

TEST_CASE("chain source: JSON and TOML give the same document", "[app][unit]") {
    auto const json =
        parse_chain({"a", R"({"models": ["a"], "instructions": ["{input}"]})"}, "a.json");
    auto const toml =
        parse_chain({"a", "models = [\"a\"]\ninstructions = [\"{input}\"]\n"}, "a.toml");
    REQUIRE(json);
    REQUIRE(toml);
    CHECK(*json == *toml);
    // Without an ending, by how it begins.
    CHECK(parse_chain({"a", "  {\"a\": 1}"}, "-"));
    CHECK(parse_chain({"a", "# said\n[x]\ny = 1\n"}, "-"));
}

TEST_CASE("chain source: what cannot be read is named with its line", "[app][unit]") {
    CHECK_THAT(
        error_of("{\"a\": 1,\n \"b\": }", "a.json"), StartsWith("a.json:2:7: this is not JSON")
    );
    CHECK_THAT(error_of("", "a.json"), StartsWith("a.json:1:1: the document is empty"));
    CHECK_THAT(error_of("", "-"), ContainsSubstring("the document is empty"));
    CHECK_THAT(error_of("a = 1\nb =\n", "a.toml"), StartsWith("a.toml:2: "));
    CHECK_THAT(error_of("a = 1979-05-27\n", "a.toml"), StartsWith("a.toml:1: dates"));
}

TEST_CASE("chain source: a file that is not there is named with the reason", "[app][unit]") {
    Folder const folder;
    auto const missing = read_source((folder.path / "none.json").string());
    REQUIRE_FALSE(missing);
    CHECK_THAT(
        missing.error().message, ContainsSubstring("none.json cannot be opened: No such file")
    );
    auto const is_folder = read_source(folder.path.string());
    REQUIRE_FALSE(is_folder);
    CHECK_THAT(is_folder.error().message, ContainsSubstring("is a folder"));
}

TEST_CASE("chain source: the daemon's problems are a line each", "[app][unit]") {
    auto const lines = problem_lines(
        "a.toml",
        boost::json::parse(
            R"({"error": "x", "problems": [{"at": "/steps/0", "problem": "wants a\n model"},
                                           {"at": "", "problem": "is no object"}, null]})"
        )
    );
    REQUIRE(lines.size() == 3);
    CHECK(lines[0] == "a.toml: /steps/0: wants a\\n model");
    CHECK(lines[1] == "a.toml: is no object");
    CHECK(problem_lines("a", boost::json::parse(R"({"error": "no such chain"})")).empty());
}
