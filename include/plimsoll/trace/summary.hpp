#pragma once
// What a person wants to know of a simulation. Pure.

#include <plimsoll/trace/simulate.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace plimsoll::trace {

// Of the requests that were served. A percentile is the smallest wait that so many per cent do not
// exceed.
struct Waits {
    std::size_t served = 0;
    std::size_t refused = 0;
    double mean = 0, p50 = 0, p99 = 0, longest = 0;  // seconds
};

struct Group {
    std::string name;
    Waits waits;
    std::size_t loads = 0;  // of a model
    double resident = 0;    // of a model: share of the time that it was in memory, 0 to 1
};

struct Summary {
    Waits waits;
    std::size_t loads = 0;
    std::size_t evictions = 0;
    double seconds = 0;      // until the last answer
    double memory_used = 0;  // charge by budget, averaged over that time, 0 to 1
    Bytes peak;
    std::string first_refusal;   // its reason; empty if none
    std::vector<Group> models;   // by requests, most first
    std::vector<Group> clients;  // likewise
};

Summary summarize(Workload const& workload, Simulated const& simulated, Bytes budget);

}  // namespace plimsoll::trace
