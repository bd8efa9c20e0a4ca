#include "app/cli.hpp"
#include "app/replay_view.hpp"
#include "support/catch.hpp"

#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;
using namespace std::chrono_literals;

namespace {

std::variant<Command, Exit> parsed(std::vector<std::string> words) {
    words.insert(words.begin(), "replay");
    return parse_command_line(words, "http://127.0.0.1:11435");
}

trace::RecordingHeader header(std::vector<std::string> const& pools) {
    trace::RecordingHeader out{"0.0.9", "2026-11-23T14:57:08Z", TimePoint(1h), {}};
    for (auto const& name : pools) {
        core::SchedulerConfig config;
        config.budget = gibibytes(8);
        out.pools.push_back({name, config});
    }
    return out;
}

}  // namespace

TEST_CASE("replay: the command line is read, and wrong times are named", "[app][unit]") {
    auto const result =
        parsed({"day.rec", "--from", "1h", "--to", "3660", "--model", "a:7b", "--json"});
    REQUIRE(std::holds_alternative<Command>(result));
    auto const& options = std::get<ReplayOptions>(std::get<Command>(result));
    CHECK(options.file == "day.rec");
    CHECK(options.from == 3600s);
    CHECK(options.to == 3660s);
    CHECK(options.model == "a:7b");
    CHECK(options.json);
    CHECK_FALSE(options.quiet);

    auto const error = [](std::vector<std::string> words) {
        return std::get<Exit>(parsed(std::move(words))).err;
    };
    CHECK_THAT(error({}), ContainsSubstring("file is required"));
    CHECK_THAT(
        error({"x", "--from", "noon"}),
        ContainsSubstring("\"noon\" is no time; write seconds, or 1h30m")
    );
    CHECK_THAT(
        error({"x", "--from", "20", "--to", "10"}), ContainsSubstring("10 lies before --from 20")
    );
}

TEST_CASE("replay: a decision is one line with time, model and reason", "[app][unit]") {
    trace::Decision decision;
    decision.at = 1500ms;
    decision.model = "a:7b";
    decision.action = core::Load{core::InstanceId{1}, {}, "load a:7b\nfor 1 ticket"};
    CHECK(
        render_decision(decision, header({"one"}), {}) ==
        "       1.500 s  load      a:7b                  load a:7b\\nfor 1 ticket\n"
    );
    decision.action = core::Notice{core::Notice::Level::Alert, "stuck"};
    decision.model = "";
    decision.pool = 1;
    CHECK(
        render_decision(decision, header({"one", "two"}), {}) ==
        "       1.500 s  two  notice    -                     stuck\n"
    );
    auto const json = decision_json(decision, header({"one", "two"}));
    CHECK(json.at("pool") == "two");
    CHECK(json.at("kind") == "notice");
    CHECK(json.at("model").is_null());
    CHECK(json.at("at_seconds").as_double() == 1.5);
}

TEST_CASE("replay: the summary says equal, or what differs and why it may", "[app][unit]") {
    auto const recorded = header({"one"});
    trace::Replay replay(recorded);
    trace::Step step{0, TimePoint(1h + 2s), core::TimePassed{}, {}};
    replay.play(step, 2);
    CHECK(
        render_tally(replay, recorded) ==
        "1 event in 2 s: 0 loads, 0 unloads, 0 dispatches, 0 refusals; longest wait 0 s\n"
        "Bit-equal to what was recorded\n"
    );
    CHECK(summary_json(replay, recorded, "").at("is_equal").as_bool());
    CHECK(summary_json(replay, recorded, "").at("missing_end").is_null());

    step.actions.emplace_back(core::Observe{"why not"});
    replay.play(step, 3);
    auto const text = render_tally(replay, recorded);
    CHECK_THAT(
        text, ContainsSubstring("Differs from what was recorded, first on line 3 (2.000 s)")
    );
    CHECK_THAT(text, ContainsSubstring(R"(recorded: {"kind":"observe","reason":"why not"})"));
    CHECK_THAT(text, ContainsSubstring("replayed: nothing more"));
    CHECK_THAT(text, ContainsSubstring("recorded by plimsoll 0.0.9, this is "));
    auto const json = summary_json(replay, recorded, "cut off");
    CHECK_FALSE(json.at("is_equal").as_bool());
    CHECK(json.at("first_difference").as_object().at("line").to_number<int>() == 3);
    CHECK(json.at("missing_end") == "cut off");
}
