#pragma once
// What the scheduler remembers: tickets, targets (everything known of one weights hash), instances,
// and the one decision in progress. Plain data; the rules live in the other files of this folder,
// one file per rule or two.

#include "core/debts.hpp"
#include "core/pace.hpp"
#include "core/usage.hpp"

#include <plimsoll/core/action.hpp>
#include <plimsoll/core/config.hpp>
#include <plimsoll/core/ledger.hpp>
#include <plimsoll/core/snapshot.hpp>
#include <plimsoll/core/types.hpp>

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace plimsoll::core {

struct Instance;
struct Target;
struct Waiter;

inline constexpr TimePoint kNever = TimePoint::max();

// The waiting tickets of one client for one target, oldest first.
struct ClientQueue {
    std::string client;
    std::list<Waiter*> tickets;
};

// The waiting tickets of one target that ask for the same form and settings.
struct Want {
    Demand demand;
    std::set<std::pair<TimePoint, TicketId>> due;  // when each becomes overdue
    std::int64_t arrived_sum_us = 0;  // of arrivals since State::epoch, for the sum of waits
    bool is_served = false;           // the present instance will do once it has a slot
};

// A ticket, from its arrival to its last byte.
struct Waiter {
    Ticket ticket;
    TimePoint arrived{};
    TimePoint due{};
    std::size_t position = 0;  // among all that waited when it came, from 1; 0: it did not wait
    Target* target = nullptr;
    Want* want = nullptr;  // while it waits; null once it is leased
    std::list<ClientQueue>::iterator client{};
    std::list<Waiter*>::iterator place{};
    InstanceId instance{};  // while it is leased
    TimePoint leased_at{};
};

// What is known of one key (weights hash and settings) that failed or measured more than was
// predicted (rule 15).
struct KeyRecord {
    Form form = Form::Pinned;
    RunnerSettings settings;
    Bytes raised;  // the charge to use if it is above the demand's
    TimePoint raised_until{};
    bool was_retried = false;  // the one retry after an out-of-memory is spent
    unsigned failures = 0;
    unsigned lost_connections = 0;  // loads that ended with the upstream unreachable
    TimePoint barred_until{};
    TimePoint forgotten_at{};  // then it is as if nothing had ever failed
    std::string text;          // the upstream's words
};

// Who wants an instance kept, and until when (rule 17). The timer is a clock that stands still
// while the instance is leased or waited for, so all its times are virtual: real time minus the
// time spent standing.
struct Stay {
    struct Wish {
        KeepAlive keep_alive;
        bool is_default = false;  // the client named none: the configured one, whatever it is then
        TimePoint until{};        // virtual; kNever: for ever
    };

    std::map<std::string, Wish> wishes;
    TimePoint latest = TimePoint::min();  // of the wishes
    Duration stood{};
    std::optional<TimePoint> standing_since;
    TimePoint stood_until{};   // the end of the last standing; real
    bool is_given_up = false;  // the last wish was ended by "unload"
};

struct Pin {
    Demand demand;
    std::string owner;
    TimePoint since{};
    std::optional<TimePoint> until;
    std::uint64_t sequence = 0;
};

struct Announcement {
    AnnouncementId id{};
    Demand demand;
    TimePoint expected{};
    bool is_spent = false;  // the one load ahead of it was sent, or an operator has ended it
};

struct Target {
    std::string weights;
    std::string model;
    std::list<Want> wants;
    std::list<ClientQueue> clients;  // in the order of the next turns (rule 8)
    std::unordered_map<std::string, std::list<ClientQueue>::iterator> client_index;
    std::uint64_t turns = 0;         // slots given to waiting tickets
    std::size_t waiting = 0;         // tickets
    std::size_t served_waiting = 0;  // of those, the ones that the present instance will serve
    Instance* instance = nullptr;    // at most one: rule 3
    std::optional<Pin> pin;
    std::vector<Announcement> announcements;
    std::optional<Demand> seen_bare;  // the last bare demand: such models are loaded bare
    std::vector<KeyRecord> keys;
    Stay stay;
    Usage usage;
    double answer_seconds = 0;  // mean length of its answers, weighted to the recent ones
    std::vector<TimePoint> foreign_evictions;
    TimePoint conceded_until{};  // rule 18: a foreign row that we do not fight until then
    bool is_needy = false;       // somebody wants it and no usable instance is there or coming
    std::optional<TimePoint>
        left_at;  // its last instance was seen gone: a list that lags may show it
};

// Why an instance drains. Room belongs to the decision in progress and is undone with it.
enum class DrainCause : std::uint8_t { None, Room, OverBudget, Operator, Broken };

struct Instance {
    InstanceId id{};
    Target* target = nullptr;
    InstanceState state = InstanceState::Loading;
    Demand demand;  // as loaded; settings.num_ctx of a bare one as listed
    bool is_foreign = false;
    bool is_echo = false;  // listed once more soon after it was seen gone: so far one list's word
    Bytes measured, measured_before;  // of the last two lists
    Bytes size_vram;
    bool is_proven = false;  // listed by one that cannot have shown its predecessor
    unsigned leases = 0;
    double lease_start_sum = 0;  // seconds since the epoch, of the open leases
    TimePoint since{};           // of the state
    TimePoint loaded_at{};
    TimePoint last_used{};
    TimePoint active_until{};
    Duration load_took{};
    bool has_no_quantum = false;  // loaded beside a waiting overdue target (rule 11)
    DrainCause cause = DrainCause::None;
    std::vector<std::string> blamed;     // the clients whose doing its load or unload is
    bool keeps_wishes = false;           // unloaded only to be loaded again with other settings
    unsigned missing = 0;                // lists in a row that lacked it
    TimePoint missing_since{};           // `asked` of the first of those
    TimePoint missing_last{};            // and of the last that counted
    unsigned lost_answers = 0;           // answers in a row that ended with a lost connection
    std::optional<LoadFailure> failure;  // Aborting: how the load ended; nullopt: not answered yet
    bool leaves_slowly = false;  // its load was given up or failed: a dying runner is in no list
    TimePoint unload_sent{};
    TimePoint retry_at{};
    Duration retry_pause{};  // before the unload's latest repetition
    unsigned attempt = 0;
};

// Room is being made for a target: its victims drain, then are unloaded together (rule 6).
struct Commit {
    Target* target = nullptr;
    TimePoint at{};
    bool is_overdue = false;
    bool is_unloading = false;
    std::vector<InstanceId> members;
    std::string why{};  // beyond its target's rank
};

// A load that waits for a list that was asked for after its decision.
struct NextLoad {
    Target* target = nullptr;
    TimePoint since{};
    bool has_no_quantum = false;
    bool is_settled = false;  // room was made for it
    std::string why{};        // beyond its rank
};

struct State {
    explicit State(SchedulerConfig const& initial)
        : config(initial), ledger(initial.budget, initial.cards) {}

    State& operator=(State const&) = delete;

    SchedulerConfig config;
    Ledger ledger;
    Counters counters;
    std::optional<TimePoint> epoch;
    TimePoint wake = kNever;

    std::unordered_map<TicketId, Waiter> tickets;
    std::set<std::pair<TimePoint, TicketId>> deadlines;  // of waiting tickets that have one
    std::size_t waiting = 0;
    Bytes waiting_bytes;

    std::map<std::string, Target, std::less<>> targets;
    std::vector<Target*> needy;
    std::vector<Target*> pinned;  // those with a pin
    std::vector<Target*> announced;
    std::map<InstanceId, Instance> instances;
    std::uint64_t last_instance = 0;
    std::uint64_t last_pin = 0;

    std::optional<InstanceId> loader;  // the load in flight, until it is answered
    TimePoint loader_free_since{};
    std::optional<Commit> commit;
    std::optional<NextLoad> next_load;
    std::optional<TimePoint> observe_asked;  // a list is on its way
    TimePoint last_asked = TimePoint::min();

    bool is_up = true;
    bool must_recheck = false;  // waiting tickets may have become hopeless
    TimePoint busy_until{};     // the upstream answered 503
    Duration busy_backoff{};
    std::size_t row_limit_seen = SIZE_MAX;  // learned: the upstream evicted by itself above this
    TimePoint row_limit_until{};
    TimePoint lists_doubted_until{};  // one of the last hour was wrong about a row
    Duration longest_wait{};
    Pace pace;
    Debts debts;
    // In copies, which look ahead and do not do so themselves: the weights to be loaded next.
    std::optional<std::string> favoured;
    bool is_copy = false;

  private:
    // Its pointers point into the original until clone_of() has put them right.
    State(State const&) = default;
    friend std::unique_ptr<State> clone_of(State const& state);
};

Target& target_for(State& state, std::string const& weights, std::string const& model);
Target* find_target(State& state, std::string const& weights);
Instance* find_instance(State& state, InstanceId id);

void set_state(Instance& instance, InstanceState to, TimePoint now);
// Gives the charge back and forgets the instance; only where the upstream is known to be rid of it.
void forget_instance(State& state, Instance& instance, TimePoint now);
// Recomputes what the target's instance can serve; after every change of its tickets, instance or
// pin.
void refresh(State& state, Target& target);
// Drops targets about which nothing is known any more.
void sweep_targets(State& state);

[[nodiscard]] bool is_active(Instance const& instance, TimePoint now);
[[nodiscard]] bool is_leaving(Instance const& instance);
[[nodiscard]] std::size_t row_limit(State const& state, TimePoint now);
[[nodiscard]] bool is_held_by_pin(Target const& target);  // by a pin without an end

}  // namespace plimsoll::core
