#pragma once
// What other ways of scheduling make of the same workload, on the same simulated upstream: one load
// at a time, an unload before the load that needs its room, slots per model.

#include <plimsoll/trace/workload.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace plimsoll::bench {

enum class Policy : std::uint8_t {
    // A request whose model is loaded when it arrives goes past the queue. The head of the others
    // blocks all behind it while it waits for an idle model; the first by name goes. At most three
    // models.
    Ollama,
    // The same, but what waits joins as soon as its model is loaded for somebody else.
    OllamaJoined,
    // Strictly first come first served; the least recently used idle model goes.
    FifoLru,
    // One model at a time; it is served while anybody asks for it, then the model of the oldest
    // request comes. The common default of swapping proxies.
    Exclusive,
};

struct Baseline {
    std::uint64_t loads = 0;
    std::vector<Duration> waits;  // by the index of the request
};

// Idle models go after five minutes.
Baseline run_baseline(
    trace::Workload const& workload, Policy policy, Bytes budget, std::size_t slots
);
std::string_view to_string(Policy policy);

}  // namespace plimsoll::bench
