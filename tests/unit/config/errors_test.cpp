// Each wrong file of tests/golden/config_errors against the messages that it must give.

#include "support/catch.hpp"
#include "support/fixtures.hpp"

#include <plimsoll/config/config.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace plimsoll;

namespace fs = std::filesystem;

namespace {

std::vector<fs::path> wrong_files() {
    std::vector<fs::path> files;
    for (auto const& entry : fs::directory_iterator("tests/golden/config_errors")) {
        if (entry.path().extension() == ".toml") {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

std::string messages(fs::path const& file) {
    auto const parsed = config::parse(test::read_file(file), file.filename().string());
    std::string text;
    if (!parsed) {
        for (config::Problem const& problem : parsed.error()) {
            text += to_string(problem) + '\n';
        }
    }
    return text;
}

}  // namespace

TEST_CASE(
    "config: every problem of a wrong file is said at once, with line and nearest key",
    "[config][golden]"
) {
    std::vector<fs::path> const files = wrong_files();
    REQUIRE(files.size() >= 5);
    bool const updates = std::getenv("PLIMSOLL_TEST_UPDATE_GOLDEN") != nullptr;
    for (fs::path const& file : files) {
        fs::path expected = file;
        expected.replace_extension(".txt");
        std::string const text = messages(file);
        CAPTURE(file);
        CHECK_FALSE(text.empty());
        if (updates) {
            std::ofstream(expected) << text;
        }
        CHECK(text == test::read_file(expected));
    }
}

TEST_CASE("config: a file that cannot be read is one problem that names it", "[config][unit]") {
    auto const absent = config::load("/nonexistent/plimsoll.toml", {}, {});
    REQUIRE_FALSE(absent.has_value());
    REQUIRE(absent.error().size() == 1);
    CHECK(
        to_string(absent.error().front()) ==
        "/nonexistent/plimsoll.toml: cannot be read: No such file or directory"
    );
    auto const folder = config::load("/", {}, {});
    REQUIRE_FALSE(folder.has_value());
    CHECK_THAT(to_string(folder.error().front()), ContainsSubstring("this is a folder"));
}

TEST_CASE("config: text that would drive a terminal is printed as escapes", "[config][unit]") {
    auto const parsed =
        config::parse("[server]\n\"\\u001b[2J\" = 1\nlisten = \"\\u001b[31m\"\n", "bad\nname");
    REQUIRE_FALSE(parsed.has_value());
    for (config::Problem const& problem : parsed.error()) {
        std::string const text = to_string(problem);
        CHECK(std::ranges::none_of(text, [](char c) { return c >= 0 && c < 0x20; }));
    }
}

TEST_CASE("config: letters beyond ASCII stand in strings and comments only", "[config][unit]") {
    CHECK(config::parse("# Größe\n[[upstream]]\nname = \"a\"  # gut so, \"é\n", "f.toml"));
    for (auto const* text : {"[[upstream]]\nname = \"Käse\"\n", "[[upstream]]\nname = '''ä'''\n"}) {
        auto const parsed = config::parse(text, "f.toml");  // TOML, though no name for an upstream
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().front().text.find("not TOML") == std::string::npos);
    }
    for (auto const* text :
         {"\n[server]\nlistené = 1\n",
          "\n\nü",
          "\n\na = \"\" é",
          "\n\na = \"\\é\"",
          "\n\na = 1\"\" ѱ",
          "\n\na = 1\"ѱ",
          "\n\na = 1\xE2\x81\xA5"}) {
        auto const parsed = config::parse(text, "f.toml");
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().front().line == 3);
    }
}
