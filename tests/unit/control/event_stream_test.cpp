#include "control/event_stream.hpp"

#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::control;

namespace {

engine::EngineEvent event(std::uint64_t sequence, std::string json = R"({"text":"x"})") {
    engine::EngineEvent out;
    out.sequence = sequence;
    out.kind = "load";
    out.json = std::move(json);
    return out;
}

}  // namespace

TEST_CASE("events: ids name the last event of every engine", "[control][events]") {
    CHECK(event_id({17}) == "17");
    CHECK(event_id({17, 4}) == "17,4");
    CHECK(parse_event_id("17,4", 2) == std::vector<std::uint64_t>{17, 4});
    CHECK_FALSE(parse_event_id("17", 2).has_value());
    CHECK_FALSE(parse_event_id("x", 1).has_value());
    CHECK_FALSE(parse_event_id("", 1).has_value());
}

TEST_CASE(
    "events: a reader can go on where it was cut off, with several engines too", "[control][events]"
) {
    EventBuffer buffer({0, 9});
    buffer.add(0, event(1));
    buffer.add(1, event(10));
    CHECK(
        buffer.take() ==
        "id: 1,9\nevent: load\ndata: {\"text\":\"x\"}\n\nid: 1,10\nevent: load\ndata: "
        "{\"text\":\"x\"}\n\n"
    );
    CHECK(buffer.is_empty());
}

TEST_CASE(
    "events: a reader who stalls costs bounded memory and is told what it missed",
    "[control][events]"
) {
    EventBuffer buffer({0});
    std::string const big = "{\"text\":\"" + std::string(10'000, 'x') + "\"}";
    for (std::uint64_t i = 1; i <= 100; ++i) {
        buffer.add(0, event(i, big));
    }
    auto const text = buffer.take();
    CHECK(text.size() <= EventBuffer::kMaxBytes + 128);
    CHECK_THAT(text, ContainsSubstring("event: missed\ndata: {\"events\":"));
    CHECK_THAT(text, ContainsSubstring("id: 100\n"));
    CHECK(text.find("id: 1\n") == std::string::npos);
}
