#include "app/progress.hpp"

#include "app/event_reader.hpp"
#include "support/catch.hpp"

#include <boost/json/parse.hpp>

#include <string>

using namespace plimsoll;
using namespace plimsoll::app;

namespace {

std::string line_of(char const* event) {
    return progress_line("a:7b", boost::json::parse(event));
}

}  // namespace

TEST_CASE("progress: what happens, elapsed and expected time", "[app][unit]") {
    CHECK(line_of(R"({"state": "loading", "elapsed_seconds": 3})") == "Loading a:7b  3.0 s");
    CHECK(
        line_of(R"({"state": "loading", "elapsed_seconds": 3, "expected_seconds": 6})") ==
        "Loading a:7b  [############            ]  3.0 s of about 6.0 s"
    );
    CHECK_THAT(
        line_of(R"({"state": "waiting", "elapsed_seconds": 1, "why": "b:7b is loading"})"),
        ContainsSubstring("Waiting for a:7b") && ContainsSubstring("b:7b is loading")
    );
}

TEST_CASE(
    "progress: the bar is never full before the end, and the line never wraps", "[app][unit]"
) {
    auto const late =
        line_of(R"({"state": "loading", "elapsed_seconds": 60, "expected_seconds": 6})");
    CHECK_THAT(late, ContainsSubstring("[####################### ]"));
    auto const longest = boost::json::object{{"why", std::string(500, 'x')}};
    CHECK(progress_line(std::string(300, 'm'), longest).size() < 120);
}

TEST_CASE("progress: nothing moves without a terminal", "[app][unit]") {
    CHECK_FALSE(progress_on(Terminal{}, "a:7b"));
    Terminal terminal;
    terminal.is_tty = true;
    CHECK(progress_on(terminal, "a:7b"));
}

TEST_CASE("event reader: pieces of any size give the same events", "[app][unit]") {
    std::string const text =
        ": still here\n\nevent: progress\ndata: {\"a\":1}\n\nevent: loaded\ndata:{}\n\nevent: cut";
    auto const size = GENERATE(as<std::size_t>(), 1, 2, 7, 1000);
    EventReader reader;
    std::vector<ServerEvent> events;
    for (std::size_t at = 0; at < text.size(); at += size) {
        reader.add(std::string_view(text).substr(at, size));
        while (auto event = reader.next()) {
            events.push_back(*event);
        }
    }
    REQUIRE(events.size() == 2);
    CHECK(events[0].name == "progress");
    CHECK(events[0].data == "{\"a\":1}");
    CHECK(events[1].name == "loaded");
    CHECK(events[1].data == "{}");
}
