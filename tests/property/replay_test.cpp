// Whole random worlds, recorded and replayed: the same decisions to the letter, although the names
// of clients are other ones in the recording.

#include "support/catch.hpp"

#include <plimsoll/trace/recording.hpp>
#include <plimsoll/trace/replay.hpp>

#include "property/world.hpp"

#include <sstream>
#include <string>

namespace plimsoll::test {

namespace {

struct Recorded {
    std::string text;
    WorldReport report;
};

Recorded record(WorldConfig config) {
    std::optional<trace::RecordingWriter> writer;
    Recorded out;
    config.observer = [&](auto const& event, TimePoint now, auto const& actions) {
        out.text += writer->step_line({0, now, event, actions});
    };
    World world(config);
    writer.emplace(
        trace::RecordingHeader{"test", "never", TimePoint(), {{"pool", world.scheduler_config()}}},
        std::array<std::uint64_t, 2>{config.seed, 42}
    );
    out.text = writer->header_line();
    out.report = world.run();
    out.text += writer->end_line();
    return out;
}

void check_equal(Recorded const& recorded) {
    std::istringstream in(recorded.text);
    auto reader = trace::RecordingReader::open(in);
    INFO((reader ? "" : reader.error().message));
    REQUIRE(reader);
    trace::Replay replay(reader->header());
    for (;;) {
        auto step = reader->next();
        INFO((step ? "" : step.error().message));
        REQUIRE(step);
        if (!*step) {
            break;
        }
        replay.play(**step, reader->line());
        if (auto const& difference = replay.difference()) {
            INFO(difference->recorded << "\n" << difference->replayed);
            FAIL("line " << difference->line << " differs");
        }
    }
    CHECK(reader->missing_end().empty());
    CHECK(replay.tally().events == recorded.report.events);
    CHECK(replay.tally().loads == recorded.report.counters.loads);
    CHECK(replay.tally().refusals == recorded.report.counters.refused);
}

}  // namespace

TEST_CASE("replay: recorded worlds with faults decide the same again", "[trace][property]") {
    WorldConfig config;
    config.seed = run_seed() + static_cast<std::uint64_t>(GENERATE(range(0, 16)));
    config.length = std::chrono::minutes(20);
    config.requests_per_second = 0.4;
    CAPTURE(config.seed);
    auto const recorded = record(config);
    // Neither clients nor the owners of pins stand in it by name.
    CHECK(recorded.text.find("\"client0\"") == std::string::npos);
    CHECK(recorded.text.find("\"operator\"") == std::string::npos);
    CHECK(recorded.text.find(" by operator ") == std::string::npos);
    check_equal(recorded);
}

TEST_CASE(
    "replay: a recorded world with many clients decides the same again", "[trace][property]"
) {
    WorldConfig config;
    config.seed = run_seed() + 1000;
    config.requests_per_second = 4;
    config.length = std::chrono::minutes(30);
    CAPTURE(config.seed);
    check_equal(record(config));
}

}  // namespace plimsoll::test
