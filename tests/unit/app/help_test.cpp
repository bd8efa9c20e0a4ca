// Help texts against tests/golden/help. PLIMSOLL_TEST_UPDATE_GOLDEN=1 writes them anew.

#include "app/cli.hpp"
#include "support/catch.hpp"
#include "support/fixtures.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;

TEST_CASE("help: every command teaches with the text agreed on", "[app][golden]") {
    auto const name = GENERATE(
        as<std::string>(),
        "plimsoll",
        "serve",
        "sim",
        "simulate",
        "replay",
        "chain",
        "chain run",
        "chain list",
        "chain show",
        "chain check",
        "chain save",
        "chain delete",
        "runs",
        "runs show",
        "runs cancel",
        "runs resume",
        "config",
        "config check",
        "config show",
        "key",
        "key create",
        "key list",
        "key revoke",
        "key hash",
        "key rights",
        "status",
        "ps",
        "queue",
        "plan",
        "estimate",
        "load",
        "unload",
        "pin",
        "unpin",
        "cleanup",
        "health",
        "completion",
        "man",
        "doctor",
        "takeover",
        "top"
    );
    std::vector<std::string> words;
    std::string file = name;
    if (auto const blank = name.find(' '); blank != std::string::npos) {
        words = {name.substr(0, blank), name.substr(blank + 1)};
        file[blank] = '_';
    } else if (name != "plimsoll") {
        words = {name};
    }
    words.push_back("--help");

    auto const result = parse_command_line(words, "http://127.0.0.1:11435");
    REQUIRE(std::holds_alternative<Exit>(result));
    auto const& exit = std::get<Exit>(result);
    CHECK(exit.status == 0);
    CHECK(exit.err.empty());

    auto const path = std::filesystem::path("tests/golden/help") / (file + ".txt");
    if (std::getenv("PLIMSOLL_TEST_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path) << exit.out;
    }
    CAPTURE(path);
    CHECK(exit.out == test::read_file(path));
    if (name != "plimsoll" && name != "version") {
        CHECK_THAT(exit.out, ContainsSubstring("Example"));
    }
}
