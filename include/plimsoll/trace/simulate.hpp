#pragma once
// A workload through the daemon's own scheduler, in simulated time, in front of an upstream without
// faults: it loads one model at a time, needs the model's time for it, and serves each instance's
// slots side by side without slowing them down. Deterministic: equal input gives equal output.

#include <plimsoll/core/config.hpp>
#include <plimsoll/core/snapshot.hpp>
#include <plimsoll/trace/workload.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::trace {

enum class Outcome : std::uint8_t { Served, Refused };

// One request, as it went.
struct Passage {
    Outcome outcome = Outcome::Served;
    Duration waited{};   // until its dispatch, or its refusal
    Duration ended{};    // since the start: the last byte, or the refusal
    std::string reason;  // of a refusal
};

// One instance's time in memory.
struct Residency {
    std::size_t model = 0;
    Duration load_start{};
    Duration ready{};  // zero: the load was given up
    Duration unload_start{};
    Duration gone{};  // the end of the simulation for those that stay
};

struct Simulated {
    std::vector<Passage> passages;  // by the index of the request
    std::vector<Residency> residencies;
    core::Counters counters;
    Bytes peak;
    Duration length{};         // until the last answer
    double byte_seconds = 0;   // charge over time, in bytes times seconds
    std::uint64_t events = 0;  // of the scheduler
};

Simulated simulate(Workload const& workload, core::SchedulerConfig const& config);

}  // namespace plimsoll::trace
