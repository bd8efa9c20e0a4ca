#pragma once
// Ollama's own scheduler with its habits: serial loads, a bounded queue, loads that die with the
// client that asked, unloads that are wishes, eviction by count and by an estimate of its own, and
// the wait without end when a victim is used again. A state machine on a time that is handed in;
// the only effect is the callback of each request.
//
//   request:  queued -> loading -> granted -> in a slot -> finished      (finish() ends it in any
//   state) runner:   loading -> ready <-> busy -> unloading -> gone

#include "sim/books.hpp"
#include "sim/memory_table.hpp"
#include "sim/settings.hpp"

#include <plimsoll/base/time.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::sim {

using TicketId = std::uint64_t;

struct SchedulerConfig {
    Machine machine;
    unsigned max_loaded = 3;
    unsigned max_queue = 512;
    double load_bandwidth = 2e9;  // bytes per second
    double time_scale = 1;
    bool partial_offload = false;  // put what does not fit on the CPU, as the runner's fit pass
                                   // does, instead of failing
};

struct Grant {
    unsigned status = 200;  // else the answer's, with its text
    std::string error;
    std::string runner;  // key of the weights
};

struct Wanted {
    ModelPtr model;
    RunnerSettings settings;
    std::optional<Duration> keep_alive;
    std::string load_fault;  // not empty: the load fails with this text
};

// A row of /api/ps.
struct Row {
    ModelPtr model;
    Footprint bytes;
    std::uint32_t num_ctx = 0;
    std::optional<TimePoint> expires;  // nullopt: for ever
};

class Scheduler {
  public:
    using Callback = std::move_only_function<void(Grant const&)>;

    Scheduler(SchedulerConfig config, Books& books) : config_(std::move(config)), books_(&books) {}

    // Called back when a runner is ready or the request has failed; perhaps at once.
    TicketId submit(Wanted wanted, Callback done, TimePoint now);
    // A granted request queues for a slot of its runner, first come first served.
    void want_slot(TicketId id, std::move_only_function<void()> granted);
    // The request is over: answered, failed, or its client has gone. Unknown ids are ignored.
    void finish(TicketId id, TimePoint now);
    // keep_alive 0 without a prompt. Only a wish: see the states above.
    void expire(std::string const& weights, TimePoint now);
    // The runner's process dies; its row stays until somebody looks (its memory does not).
    void crash(std::string const& weights, TimePoint now);
    // Out of memory during a request marks every runner.
    void expire_all(TimePoint now);
    // The server restarts: everything is gone, nobody is called back.
    void restart(TimePoint now);

    void advance(TimePoint now);
    [[nodiscard]] std::optional<TimePoint> next_wakeup() const;
    // Latest expiry first. Runners that are being killed hold the list's lock: see kill_ends().
    [[nodiscard]] std::vector<Row> rows() const;
    [[nodiscard]] std::optional<TimePoint> kill_ends() const;

    [[nodiscard]] bool is_loading() const { return loading_.has_value(); }

    [[nodiscard]] SchedulerConfig const& config() const { return config_; }

  private:
    struct Runner {
        ModelPtr model;
        RunnerSettings settings;
        Footprint bytes;
        Bytes held;                       // of physical memory
        std::optional<Duration> session;  // keep-alive; kForever is for ever
        std::optional<TimePoint> expires;
        std::optional<TimePoint> timer;    // idle: unload then
        std::optional<TimePoint> gone_at;  // being killed
        unsigned refs = 0;
        unsigned running = 0;
        std::deque<TicketId> slot_queue;
        bool dead = false;
        bool evicting = false;
        bool reloading = false;
    };

    struct Ticket {
        Wanted wanted;
        Callback done;
        std::move_only_function<void()> slot;
        std::string runner;  // granted on
        bool in_slot = false;
        bool is_gone = false;
        unsigned memory_retries = 0;
    };

    struct Loading {
        TicketId ticket;
        Runner runner;
        TimePoint ready_at;
        std::string error;  // fails then
    };

    void step(TimePoint now);
    // False: the loop has to wait for an unload or a load.
    bool consider_current(TimePoint now);
    void start_load(TimePoint now);
    void end_load(TimePoint now);
    bool recover_from_out_of_memory(Ticket& ticket, TimePoint now);
    void use(Runner& runner, TicketId id, TimePoint now);
    void begin_expiry(Runner& runner, TimePoint now);
    void begin_kill(Runner& runner, TimePoint now);
    void evict(Runner& runner, TimePoint now, std::string_view why);
    void idle(Runner& runner, TimePoint now);
    void fill_slots(Runner& runner);
    void answer(TicketId id, Grant grant);
    void deliver();
    [[nodiscard]] Runner* victim();
    [[nodiscard]] bool fits_by_own_estimate(Ticket const& ticket) const;
    [[nodiscard]] double device_share(Ticket const& ticket) const;
    [[nodiscard]] Duration scaled(double seconds) const;

    SchedulerConfig config_;
    Books* books_;
    std::map<std::string, Runner> runners_;  // by weights blob: the order of eviction among equals
    std::map<TicketId, Ticket> tickets_;
    std::deque<TicketId> pending_;
    std::optional<TicketId> current_;
    bool waits_for_unload_ = false;
    std::optional<Loading> loading_;
    TicketId last_id_ = 0;
    std::vector<std::move_only_function<void()>> deliveries_;
};

}  // namespace plimsoll::sim
