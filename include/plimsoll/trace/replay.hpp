#pragma once
// A recording once more through fresh schedulers, compared decision by decision. Pure.

#include <plimsoll/core/scheduler.hpp>
#include <plimsoll/trace/recording.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace plimsoll::trace {

// One action, with what it takes to read it alone.
struct Decision {
    Duration at{};  // since the recording's start
    std::size_t pool = 0;
    std::string model;  // empty: of none
    core::Action action;
};

// The first step whose actions are not those recorded.
struct Difference {
    std::size_t line = 0;
    Duration at{};
    std::string recorded, replayed;  // the first action that differs; empty: there is none
};

struct Tally {
    std::uint64_t events = 0, loads = 0, unloads = 0, dispatches = 0, refusals = 0;
    Duration longest_wait{};  // until a dispatch or a refusal
    Duration length{};        // until the last event
};

class Replay {
  public:
    explicit Replay(RecordingHeader const& header);

    // `line` is where the step stands, for the report of a difference.
    std::vector<Decision> play(Step const& step, std::size_t line);

    [[nodiscard]] Tally const& tally() const { return tally_; }

    [[nodiscard]] std::optional<Difference> const& difference() const { return difference_; }

  private:
    struct Asked {
        std::string model;
        TimePoint since{};
    };

    struct Lane {
        core::Scheduler scheduler;
        std::unordered_map<std::uint64_t, Asked> tickets;
        std::unordered_map<std::uint64_t, std::string> instances;
    };

    void compare(Step const& step, std::vector<core::Action> const& actions, std::size_t line);
    void note(Lane& lane, core::Event const& event, TimePoint at);
    std::string count(Lane& lane, core::Action const& action, TimePoint at);
    std::string wait_ended(Lane& lane, core::TicketId ticket, TimePoint at, bool is_over);

    TimePoint origin_;
    std::vector<Lane> lanes_;
    Tally tally_;
    std::optional<Difference> difference_;
};

}  // namespace plimsoll::trace
