#pragma once
// The scheduler's whole state as plain values, for status pages, tests and the engine's polling. A
// copy: it stays true to the moment it was taken.

#include <plimsoll/core/types.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::core {

struct InstanceView {
    InstanceId id{};
    std::string weights;
    std::string model;
    InstanceState state = InstanceState::Loading;
    Form form = Form::Unknown;
    RunnerSettings settings;
    Bytes charge, predicted, measured, upstream_estimate;
    Bytes size_vram;
    PerCard cards;           // the most that may lie on each; empty without cards
    bool is_placed = false;  // the driver showed where
    std::size_t leases = 0;
    bool pinned = false;
    bool foreign = false;  // loaded behind our back
    bool active = false;   // leased, or its last lease ended less than a linger ago
    TimePoint since{};     // of the state
    TimePoint loaded_at{};
    TimePoint last_used{};
    Duration load_took{};
    std::optional<TimePoint> expires;  // nullopt: never, or not counting now
    std::size_t waiting = 0;           // tickets that want these weights
};

struct WaitingView {
    TicketId id{};
    std::string model;
    std::string weights;
    std::string client;
    Priority priority = Priority::Normal;
    Duration waited{};
    bool overdue = false;
    Duration swap_debt{};      // of its client: loads and unloads that its requests caused
    std::size_t position = 0;  // within its target, from 1
    std::string why;           // "gemma3:27b is loading (3.1 s so far)", "waiting for room: ..."
};

struct PinView {
    std::string weights;
    std::string model;
    std::string owner;
    std::optional<TimePoint> until;
    Bytes charge;
};

struct Counters {
    std::uint64_t tickets = 0, dispatched = 0, refused = 0, cancelled = 0;
    std::uint64_t loads = 0, load_failures = 0, loads_aborted = 0;
    std::uint64_t unloads = 0, evictions = 0, expirations = 0, reloads = 0;
    std::uint64_t foreign_evictions = 0, suspects = 0;
    std::uint64_t violations = 0;  // loads started while ledger + charge > budget: must stay 0
};

struct Snapshot {
    Bytes budget, charged, peak;
    PerCard charged_by_card;  // at most; empty without cards
    bool upstream_up = true;
    bool over_budget = false;
    std::vector<InstanceView> instances;
    std::vector<WaitingView> waiting;
    std::vector<PinView> pins;
    Counters counters;
    Duration longest_wait{};
    std::optional<Duration>
        bound;  // rule 13; null while a suspect, foreign row, pin conflict or failure exists
};

}  // namespace plimsoll::core
