#pragma once
// Runs W1 to W6: a real multi-model service's requests (GenTD26), compressed, on simulated models.

#include <plimsoll/base/result.hpp>
#include <plimsoll/core/config.hpp>
#include <plimsoll/trace/workload.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::bench {

struct Run {
    std::string_view name;
    double compression;      // arrivals come this many times as fast
    double gigabytes;        // budget
    std::size_t slots;       // per model
    std::size_t top_models;  // 0: all; else only requests for the most asked ones
};

inline constexpr Run kRuns[] = {
    {"W1", 1, 24, 1, 0},
    {"W2", 3, 24, 1, 0},
    {"W3", 5, 24, 1, 0},
    {"W4", 3, 48, 1, 0},
    {"W5", 5, 24, 4, 0},
    {"W6", 2, 24, 1, 8},
};

// The file's successful requests.
struct Traffic {
    struct Item {
        double at = 0;  // seconds since the first
        double seconds = 0;
        std::size_t model = 0;
        std::string group;
    };

    std::vector<std::string> models;  // by first appearance
    std::vector<Item> items;
};

Result<Traffic> read_traffic(std::string const& file);
trace::Workload workload_of(Traffic const& traffic, Run const& run);
Bytes budget_of(Run const& run);

}  // namespace plimsoll::bench
