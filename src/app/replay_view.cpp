#include "app/replay_view.hpp"

#include "app/cli.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

namespace plimsoll::app {
namespace {

namespace json = boost::json;

constexpr std::size_t kLongestAction = 2000;

std::string pools_of(trace::RecordingHeader const& header) {
    std::string out;
    for (trace::Pool const& pool : header.pools) {
        out += fmt::format(
            "{}{} (budget {})",
            out.empty() ? "" : ", ",
            printable(pool.name, 40),
            format_bytes(pool.config.budget)
        );
    }
    return out;
}

Colour colour_of(core::Action const& action) {
    if (std::holds_alternative<core::Refuse>(action)) {
        return Colour::Red;
    }
    if (std::holds_alternative<core::Load>(action)) {
        return Colour::Green;
    }
    if (std::holds_alternative<core::Dispatch>(action)) {
        return Colour::None;
    }
    return std::holds_alternative<core::Observe>(action) ? Colour::Dim : Colour::Yellow;
}

std::string shown(std::string const& action) {
    return action.empty() ? "nothing more" : printable(action, kLongestAction);
}

json::value json_or_null(std::string const& text) {
    return text.empty() ? json::value(nullptr) : json::value(text);
}

std::string counted(std::uint64_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

}  // namespace

std::string render_header(trace::RecordingHeader const& header) {
    return fmt::format(
        "Recorded by plimsoll {} from {}: {}\n",
        printable(header.plimsoll, 40),
        printable(header.started, 40),
        pools_of(header)
    );
}

std::string render_decision(
    trace::Decision const& decision, trace::RecordingHeader const& header, Terminal const& terminal
) {
    std::string const pool = header.pools.size() > 1
                                 ? printable(header.pools[decision.pool].name, 40) + "  "
                                 : std::string();
    std::string const kind = fmt::format("{:<8}", trace::kind_of(decision.action));
    return fmt::format(
        "{:>12.3f} s  {}{}  {:<20}  {}\n",
        to_seconds(decision.at),
        pool,
        terminal.paint(colour_of(decision.action), kind),
        decision.model.empty() ? "-" : printable(decision.model, 60),
        printable(trace::reason_of(decision.action), 400)
    );
}

std::string render_tally(trace::Replay const& replay, trace::RecordingHeader const& header) {
    trace::Tally const& tally = replay.tally();
    std::string out = fmt::format(
        "{} in {}: {}, {}, {}, {}; longest wait {}\n",
        counted(tally.events, "event", "events"),
        format_duration(tally.length),
        counted(tally.loads, "load", "loads"),
        counted(tally.unloads, "unload", "unloads"),
        counted(tally.dispatches, "dispatch", "dispatches"),
        counted(tally.refusals, "refusal", "refusals"),
        format_duration(tally.longest_wait)
    );
    auto const& difference = replay.difference();
    if (!difference) {
        return out + "Bit-equal to what was recorded\n";
    }
    out += fmt::format(
        "Differs from what was recorded, first on line {} ({:.3f} s):\n  recorded: {}\n  replayed: "
        "{}\n",
        difference->line,
        to_seconds(difference->at),
        shown(difference->recorded),
        shown(difference->replayed)
    );
    if (header.plimsoll != version()) {
        out += fmt::format(
            "It was recorded by plimsoll {}, this is {}: the rules may have changed\n",
            printable(header.plimsoll, 40),
            version()
        );
    }
    return out;
}

json::object decision_json(trace::Decision const& decision, trace::RecordingHeader const& header) {
    return {
        {"at_seconds", to_seconds(decision.at)},
        {"pool", header.pools[decision.pool].name},
        {"kind", trace::kind_of(decision.action)},
        {"model", json_or_null(decision.model)},
        {"reason", trace::reason_of(decision.action)}
    };
}

json::object summary_json(
    trace::Replay const& replay,
    trace::RecordingHeader const& header,
    std::string const& missing_end
) {
    trace::Tally const& tally = replay.tally();
    json::object out{
        {"plimsoll", header.plimsoll},
        {"started", header.started},
        {"events", tally.events},
        {"seconds", to_seconds(tally.length)},
        {"loads", tally.loads},
        {"unloads", tally.unloads},
        {"dispatches", tally.dispatches},
        {"refusals", tally.refusals},
        {"longest_wait_seconds", to_seconds(tally.longest_wait)},
        {"missing_end", json_or_null(missing_end)},
        {"is_equal", !replay.difference()},
        {"first_difference", nullptr}
    };
    if (auto const& difference = replay.difference()) {
        out["first_difference"] = {
            {"line", difference->line},
            {"at_seconds", to_seconds(difference->at)},
            {"recorded", json_or_null(difference->recorded)},
            {"replayed", json_or_null(difference->replayed)}
        };
    }
    return out;
}

}  // namespace plimsoll::app
