#include "support/catch.hpp"

#include <plimsoll/config/config.hpp>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace plimsoll;
using config::Overrides;

namespace {

// A file that is there for one test.
class File {
  public:
    explicit File(std::string const& text)
        : path(std::filesystem::temp_directory_path() / "plimsoll-XXXXXX") {
        std::string pattern = path.string();
        int const handle = ::mkstemp(pattern.data());
        REQUIRE(handle >= 0);
        path = pattern;
        std::ofstream(path) << text;
    }

    ~File() { std::filesystem::remove(path); }

    File(File const&) = delete;
    File& operator=(File const&) = delete;

    std::filesystem::path path;
};

config::Loaded load(
    std::string const& file_text, Overrides const& environment, Overrides const& flags
) {
    File const file(file_text);
    auto loaded = config::load(file.path, environment, flags);
    INFO((loaded ? std::string() : to_string(loaded.error().front())));
    REQUIRE(loaded.has_value());
    return std::move(*loaded);
}

std::string problem(
    std::string const& file_text, Overrides const& environment, Overrides const& flags
) {
    File const file(file_text);
    auto const loaded = config::load(file.path, environment, flags);
    REQUIRE_FALSE(loaded.has_value());
    REQUIRE(loaded.error().size() == 1);
    return to_string(loaded.error().front());
}

}  // namespace

TEST_CASE("config: a flag wins over the environment, which wins over the file", "[config][unit]") {
    config::Loaded const loaded = load(
        "[server]\nlisten = \"127.0.0.1:1\"\nmax_fields = 50\n[[upstream]]\nbudget = \"1GiB\"\n",
        {{"server.listen", "127.0.0.1:2"}, {"upstream.budget", "2GiB"}},
        {{"upstream.budget", "3GiB"}}
    );
    CHECK(loaded.config.server.port == 2);
    CHECK(loaded.config.server.head.max_fields == 50);
    CHECK(loaded.config.upstreams.front().budget.bytes == gibibytes(3));
    std::string const shown = config::show(loaded);
    CHECK_THAT(
        shown,
        Catch::Matchers::Matches("[\\s\\S]*listen = \"127.0.0.1:2\" +# environment\n[\\s\\S]*")
    );
    CHECK_THAT(shown, Catch::Matchers::Matches("[\\s\\S]*budget = \"3GiB\" +# flag\n[\\s\\S]*"));
    CHECK_THAT(shown, Catch::Matchers::Matches("[\\s\\S]*max_fields = 50 +# /[^ ]*:3\n[\\s\\S]*"));
    CHECK_THAT(shown, Catch::Matchers::Matches("[\\s\\S]*parallel = 1 +# default\n[\\s\\S]*"));
}

TEST_CASE("config: text from outside stands for every type", "[config][unit]") {
    config::Loaded const loaded = load(
        "",
        {{"server.max_fields", "50"},
         {"management.enabled", "off"},
         {"scheduler.quantum_factor", "6.5"},
         {"server.allowed_hosts", "a.example.org, *.b.example.org"},
         {"upstream.default_num_ctx", "8192"},
         {"scheduler.keep_alive", "-1"},
         {"log.level", "Debug"},
         {"record", "/tmp/r"},
         {"state.file", "/tmp/x.db"}},
        {}
    );
    config::Config const& config = loaded.config;
    CHECK(config.server.head.max_fields == 50);
    CHECK_FALSE(config.enabled);
    CHECK(config.upstreams.front().engine.scheduler.quantum_factor == 6.5);
    CHECK(
        config.proxy.origins.allowed_hosts ==
        std::vector<std::string>{"a.example.org", "*.b.example.org"}
    );
    CHECK(config.upstreams.front().engine.default_num_ctx == 8192);
    CHECK(config.upstreams.front().engine.default_num_ctx_is_known);
    CHECK(config.upstreams.front().engine.scheduler.keep_forever);
    CHECK(config.log.level == log::Level::Debug);
    CHECK(config.state_file == "/tmp/x.db");
    CHECK(config.record == "/tmp/r");
}

TEST_CASE(
    "config: problems of the environment and of flags say where they come from", "[config][unit]"
) {
    CHECK_THAT(
        problem("", {{"upstream.budget", "much"}}, {}),
        ContainsSubstring("environment: \"budget\" in [[upstream]]: \"much\" is not a budget")
    );
    CHECK_THAT(
        problem("", {}, {{"server.max_fields", "many"}}),
        ContainsSubstring("flag: \"max_fields\" in [server]")
    );
    CHECK_THAT(
        problem("", {{"server.listn", "x"}}, {}),
        ContainsSubstring("environment: unknown key \"listn\" in [server]; did you mean \"listen\"?"
        )
    );
    CHECK_THAT(
        problem("", {{"PLIMSOLL_BUDGETT", "x"}}, {}),
        ContainsSubstring("unknown setting \"PLIMSOLL_BUDGETT\"; did you mean \"PLIMSOLL_BUDGET\"?")
    );
    CHECK_THAT(
        problem(
            "[[upstream]]\nname=\"a\"\n[[upstream]]\nname=\"b\"\n",
            {{"upstream.budget", "1GiB"}},
            {}
        ),
        ContainsSubstring("the file has 2 upstreams")
    );
}

TEST_CASE("config: variables become settings by their names", "[config][unit]") {
    std::array const variables = {
        "PATH=/bin",
        "PLIMSOLL_LISTEN=127.0.0.1:9",
        "PLIMSOLL_UPSTREAM=http://10.0.0.1:11434",
        "PLIMSOLL_UPSTREAM_MAX_RETRIES=5",
        "PLIMSOLL_SERVER_MAX_BODY=1GiB",
        "PLIMSOLL_LOG_LEVEL=debug",
        "PLIMSOLL_STATE_FILE=/tmp/a=b",
        "PLIMSOLL_RECORD=/tmp/r",
        "PLIMSOLL_BUDGET=",
        "PLIMSOLL_CONFIG=/etc/x",
        "PLIMSOLL_URL=http://x",
        "PLIMSOLL_CA_FILE=/x.pem",
        "PLIMSOLL_FIXTURES=/x",
        "PLIMSOLL_TEST_OLLAMA=http://x",
        "PLIMSOLL_NOTHING=1",
        "PLIMSOLL_NOEQUALS",
        static_cast<char const*>(nullptr),
    };
    CHECK(
        config::environment_overrides(variables.data()) ==
        Overrides{
            {"server.listen", "127.0.0.1:9"},
            {"upstream.url", "http://10.0.0.1:11434"},
            {"upstream.max_retries", "5"},
            {"server.max_body", "1GiB"},
            {"log.level", "debug"},
            {"state_file", "/tmp/a=b"},
            {"record", "/tmp/r"},
            {"PLIMSOLL_NOTHING", "1"},
        }
    );
    CHECK(config::environment_overrides(nullptr).empty());
}
