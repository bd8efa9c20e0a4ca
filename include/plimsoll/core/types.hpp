#pragma once
// The scheduler's words: instances, demands, tickets. Pure values; see docs/scheduler.md.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/time.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::core {

enum class TicketId : std::uint64_t {};
// Unique per load: an instance that is unloaded and loaded again gets a new id.
enum class InstanceId : std::uint64_t {};
enum class AnnouncementId : std::uint64_t {};

// Bare: loaded without num_ctx and num_batch, so that /v1 requests (which carry neither) use it
// without a reload. Pinned: loaded with both. Unknown: a row that we did not load; it is reloaded
// by us before the first dispatch.
enum class Form : std::uint8_t { Bare, Pinned, Unknown };

enum class Priority : std::uint8_t { Low, Normal, High };

// Runner options besides the context that force a reload when they differ. nullopt: not
// given.
struct RunnerOptions {
    std::optional<std::int64_t> num_gpu, main_gpu, num_thread, draft_num_predict;
    std::optional<bool> use_mmap, shift;
    auto operator<=>(RunnerOptions const&) const = default;
};

struct RunnerSettings {
    std::uint32_t num_ctx =
        0;  // tokens of one slot; of a bare instance: what the upstream's default gives
    std::uint32_t num_batch = 0;  // tokens; 0: left to the upstream (always so for bare instances)
    RunnerOptions options;
    auto operator<=>(RunnerSettings const&) const = default;
};

// One amount for each card of a pool, in the order of SchedulerConfig::cards. Empty where the pool
// is one sum.
using PerCard = std::vector<Bytes>;

// What a request needs to be in memory. The charge and the times belong to exactly these settings.
struct Demand {
    std::string weights;  // hash of the weights blob: at most one instance per weights in a pool
    std::string model;    // the name by which the upstream loads and unloads it
    Form form = Form::Pinned;  // Bare: only a bare instance serves it; Pinned: any instance with
                               // settings that cover it
    RunnerSettings settings;
    // Bare: the context is the one that this name's own parameters set. Another name of the same
    // weights may have another, or the upstream's default, and the upstream would reload between
    // them.
    bool has_own_ctx = false;
    Bytes charge;             // predicted or measured, with its margin
    Bytes upstream_estimate;  // what the upstream itself believes, for rule 5
    Duration load_time{};     // L, expected
    Duration unload_time{};   // u, expected
    Duration answer_time{};   // of one answer, expected; zero: not known
};

// How long a client wants an instance kept after its last use.
struct KeepAlive {
    enum class Kind : std::uint8_t { Zero, For, Forever };
    Kind kind = Kind::For;
    Duration duration{};  // For only
    auto operator<=>(KeepAlive const&) const = default;
};

struct Ticket {
    TicketId id{};
    std::string
        client;  // key name, else peer address; the unit of fairness and of keep_alive wishes
    Priority priority = Priority::Normal;
    Demand demand;
    Bytes body;  // held while it waits; counts against the queue's byte bound
    std::optional<KeepAlive> keep_alive;
    std::optional<TimePoint> deadline;  // the client's own; past it the ticket is refused
};

// A row of the upstream's own list. `weights` is resolved by the engine; a row whose model cannot
// be resolved gets a weights string of its own ("digest:..."), so that it is charged all the same.
struct Row {
    std::string weights;
    std::string model;
    Bytes size;
    Bytes size_vram;
    std::uint32_t num_ctx = 0;
    // What the state file or the engine knows of a row that this process did not load.
    std::optional<Form> known_form;
    std::optional<RunnerSettings> known_settings;
    Bytes predicted;  // charge predicted for the row's context; zero if unknown
    // Where one that is not known yet probably lies, from the driver; empty: on any card in full.
    PerCard cards{};
};

enum class InstanceState : std::uint8_t {
    //            .--------------------- aborted, failed --------------------.
    //            |                                                          v
    //  (absent) -+-> Loading --> Ready <--> Draining --> Unloading --> (absent)
    //            |                 ^                        |   ^
    //            `--- foreign -----'                        v   |
    //                  row seen                           Suspect
    Loading,   // sent; in no list of the upstream; charged from the moment of sending
    Aborting,  // the load was given up; charged until two polls at least 1 s apart lack its row
    Ready,
    Draining,   // gets nothing new, waits for its leases; revocable
    Unloading,  // the unload was sent; charged until its row is seen gone; never revocable
    Suspect,    // an unload that did not work, or a runner that does not answer; charged, retried
                // with back-off
};

enum class LoadFailure : std::uint8_t {
    OutOfMemory,
    NotFound,
    Timeout,
    UpstreamDown,
    Busy,
    Refused,
    Aborted
};
enum class TicketOutcome : std::uint8_t {
    Done,
    ClientGone,
    UpstreamError,
    OutOfMemory,
    ConnectionLost
};
enum class RefuseKind : std::uint8_t {
    DoesNotFit,    // 507: larger than the budget, or than what the pins leave
    QueueFull,     // 503 + Retry-After
    Deadline,      // 504
    LoadFailed,    // 500/502: the upstream's own words are in the reason
    OutOfMemory,   // 507 after the retry
    NotFound,      // 404
    Barred,        // 503: failed lately, barred for a while
    Stuck,         // 503: suspects hold the room; restart the upstream
    UpstreamDown,  // 502/503
    Unloaded,      // a preload that an operator's unload overtook
};

}  // namespace plimsoll::core
