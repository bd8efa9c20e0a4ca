#include "support/catch.hpp"

#include <plimsoll/log/log.hpp>

#include <limits>
#include <string>
#include <vector>

using namespace plimsoll;
using plimsoll::log::Format;
using plimsoll::log::Level;

namespace {

// Collects lines while it lives, then puts the default configuration back.
class Capture {
  public:
    explicit Capture(log::LogConfig const& config) {
        log::configure(config);
        log::capture_for_test([this](std::string_view line) { lines.emplace_back(line); });
    }

    ~Capture() {
        log::capture_for_test({});
        log::configure({});
    }

    Capture(Capture const&) = delete;
    Capture& operator=(Capture const&) = delete;

    std::vector<std::string> lines;
};

constexpr log::Logger kLogger("engine");

}  // namespace

TEST_CASE("log: a plain line reads as a sentence with its fields behind", "[log][unit]") {
    Capture const capture({});
    kLogger.info(
        "Loaded gemma3:4b in 2.34 s (VRAM 3300 MiB)",
        {{"mib", std::uint64_t{3300}}, {"delta", std::int64_t{-2}}, {"ratio", 0.5}, {"pinned", true}
        },
        "7f3a"
    );
    REQUIRE(capture.lines.size() == 1);
    CHECK(
        capture.lines[0] ==
        "INFO  engine: Loaded gemma3:4b in 2.34 s (VRAM 3300 MiB) mib=3300 delta=-2 ratio=0.5 "
        "pinned=true request=7f3a"
    );
}

TEST_CASE(
    "log: plain values are quoted where they could be taken for something else", "[log][unit]"
) {
    Capture const capture({});
    kLogger.info(
        "x", {{"a", "two words"}, {"b", ""}, {"c", "x=y"}, {"d", "say \"hi\""}, {"e", "plain"}}
    );
    REQUIRE(capture.lines.size() == 1);
    CHECK(
        capture.lines[0] == R"(INFO  engine: x a="two words" b="" c="x=y" d="say \"hi\"" e=plain)"
    );
}

TEST_CASE("log: a JSON line is one object with typed members", "[log][unit]") {
    Capture const capture({.level = Level::Debug, .format = Format::Json});
    double const infinity = std::numeric_limits<double>::infinity();
    kLogger.debug(
        "say \"hi\" \\",
        {{"n", std::uint64_t{7}}, {"s", "a\"b"}, {"b", false}, {"d", infinity}},
        "r1"
    );
    REQUIRE(capture.lines.size() == 1);
    CHECK(
        capture.lines[0] ==
        R"({"level":"debug","module":"engine","message":"say \"hi\" \\","n":7,"s":"a\"b","b":false,"d":null,"request":"r1"})"
    );
}

TEST_CASE("log: one call is one line whatever the values hold", "[log][unit]") {
    Format const format = GENERATE(Format::Plain, Format::Json);
    Capture const capture({.level = Level::Info, .format = format});
    std::string const evil = "a\nINFO engine: forged\r\x1b[2J\xff\xe2\x80\xa8";
    kLogger.warning(evil, {{"key\n", evil}}, evil);
    REQUIRE(capture.lines.size() == 1);
    for (char const c : capture.lines[0]) {
        CHECK((static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f));
    }
}

TEST_CASE("log: values of a hostile length are cut", "[log][unit]") {
    Capture const capture({});
    std::string const huge(1'000'000, 'x');
    kLogger.error(huge, {{"value", huge}}, huge);
    REQUIRE(capture.lines.size() == 1);
    CHECK(capture.lines[0].size() < 4096);
}

TEST_CASE("log: lines below the level are not written", "[log][unit]") {
    Capture const capture({.level = Level::Warning, .format = Format::Plain});
    kLogger.debug("d");
    kLogger.info("i");
    log::write(Level::Info, "engine", "direct");
    kLogger.warning("w");
    kLogger.error("e");
    CHECK(capture.lines == std::vector<std::string>{"WARN  engine: w", "ERROR engine: e"});
    CHECK(log::current().level == Level::Warning);
}

TEST_CASE("log: the names of the levels", "[log][unit]") {
    CHECK(log::parse_level("debug") == Level::Debug);
    CHECK(log::parse_level("INFO") == Level::Info);
    CHECK(log::parse_level("warn") == Level::Warning);
    CHECK(log::parse_level("warning") == Level::Warning);
    CHECK(log::parse_level("error") == Level::Error);
    CHECK_FALSE(log::parse_level("loud").has_value());
}
