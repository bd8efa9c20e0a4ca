#pragma once
// Settings of one pool's scheduler. Plain values; checked by config, trusted by core.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/time.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace plimsoll::core {

struct Card {
    Bytes budget;  // what models may take of it
    Bytes total;   // what it has
    Bytes others;  // what other programs used of it when that was last seen
    auto operator<=>(Card const&) const = default;
};

struct SchedulerConfig {
    Bytes budget;             // cap of the pool, the reserve already taken off
    std::vector<Card> cards;  // of an upstream with several, where the driver tells; their budgets
                              // add up to `budget`, and none is exceeded. Else empty: one sum
    std::optional<Bytes>
        device_total;  // for the upstream's own 80 % rule (rule 5); nullopt: the budget
    std::size_t max_loaded_models = 3;    // rows the upstream holds before it evicts by itself
    std::size_t parallel = 1;             // slots per instance
    std::size_t queue_limit = 1024;       // waiting tickets
    Bytes queue_bytes = gibibytes(1);     // bodies of waiting tickets
    std::array<Duration, 3> patience = {  // T by Priority: a target waiting longer is overdue
        std::chrono::seconds(60),
        std::chrono::seconds(15),
        std::chrono::seconds(3)
    };
    double quantum_factor = 8;  // alpha of rule 10; 4..16
    Duration default_keep_alive = std::chrono::minutes(5);
    bool keep_forever = false;  // default_keep_alive is "for ever"
    bool auto_unload = true;    // false: expiry never unloads; room is still made when needed
    Duration max_linger =
        std::chrono::seconds(2);  // rule 2: active for min(this, L/4) after the last lease
    Duration unload_timeout = std::chrono::seconds(30);  // u_max of rule 14
    Duration aborted_load_grace = std::chrono::seconds(1);
    Duration bar_first = std::chrono::seconds(30);  // rule 15
    Duration bar_last = std::chrono::minutes(10);
};

}  // namespace plimsoll::core
