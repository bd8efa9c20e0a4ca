#pragma once
// The engine's state, shared by its source files: step.cpp turns actions into calls, poll.cpp reads
// the upstream's list, measuring.cpp learns from loads, health.cpp watches over its life, loads.cpp
// loads and unloads, acquire.cpp serves requests, demands.cpp says what they ask of memory,
// operators.cpp serves people, foresight.cpp those who know what they will need. Tasks hold it by
// shared_ptr, so that whatever is in flight when the engine ends still has its feet on ground. Loop
// thread only.

#include "engine/calibration.hpp"
#include "engine/demand.hpp"
#include "engine/events.hpp"
#include "engine/facts.hpp"
#include "engine/measurements.hpp"

#include <plimsoll/core/scheduler.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/engine/step_observer.hpp>
#include <plimsoll/log/log.hpp>
#include <plimsoll/probe/probe.hpp>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace plimsoll::engine {

inline constexpr log::Logger kLog("engine");

Error draining_error();
DemandWish wish_of(AcquireRequest const& request);
// "pinned", "2 running", "1 waiting for it"; empty: nobody needs it at this moment.
std::string who_needs(core::InstanceView const& instance);
// Null: there is none.
core::InstanceView const* find_view(core::Snapshot const& view, std::string const& weights);

struct Engine::Impl : std::enable_shared_from_this<Impl> {
    Impl(Engine& engine, net::Loop& l, upstream::Provider& p, store::Store& s, EngineConfig c);

    // A dispatch that was an event.
    struct Told {
        std::string model;
        std::string request_id;
        TimePoint dispatched{};
    };

    // One request between its ticket and its lease.
    struct Waiter {
        explicit Waiter(net::Loop& loop) : flag(loop) {}

        net::Flag flag;
        std::string model;
        std::string request_id;
        core::Priority priority = core::Priority::Normal;
        TimePoint arrived{};
        std::size_t position = 0;  // in the queue when it came; 0: it did not wait
        bool is_cancelled = false;
        std::optional<core::Dispatch> dispatch;
        std::optional<Refused> refused;

        [[nodiscard]] bool is_done() const { return dispatch.has_value() || refused.has_value(); }
    };

    // An unload that was sent: the list is read after 5, 10, 20 ... 250 ms until it is gone.
    struct UnloadWatch {
        core::InstanceId instance{};
        std::string model;
        std::string weights;
        std::string settings;
        TimePoint sent{};
        TimePoint next{};
        Duration pause{};
        bool is_repeated = false;  // how long it took says nothing of the next one
    };

    struct LoadInFlight {
        std::shared_ptr<net::Canceller> canceller;
        std::string model;
        std::string weights;
    };

    // The device as it was before a load.
    struct LoadWatch {
        std::optional<core::PerCard> used_before;
        std::uint64_t changes = 0;  // device_changes then
        bool was_settled = false;   // nothing of an unload before was left in what was read
    };

    // Counts a task of ours, so that stop() knows when the last one has ended.
    class TaskCount {
      public:
        explicit TaskCount(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) { ++impl_->tasks; }

        ~TaskCount() {
            --impl_->tasks;
            impl_->notify();
        }

        TaskCount(TaskCount const&) = delete;
        TaskCount& operator=(TaskCount const&) = delete;

      private:
        std::shared_ptr<Impl> impl_;
    };

    // step.cpp
    void step(core::Event event);
    void run_event(core::Event const& event);
    void perform(core::Observe const& action);
    void perform(core::Load const& action);
    void perform(core::AbortLoad const& action);
    void perform(core::Unload const& action);
    void perform(core::Dispatch& action);
    void perform(core::Refuse const& action);
    void perform(core::Notice const& action);
    void arm();
    void notify();
    // Waits until `condition` holds; it is looked at after every step. Errors: Timeout, Cancelled.
    net::Task<Result<void>> wait_until(
        std::function<bool()> condition, std::optional<TimePoint> limit, net::Canceller* canceller
    );

    // acquire.cpp
    net::Task<std::expected<Lease, Refused>> acquire(
        AcquireRequest request, net::Canceller& canceller
    );
    net::Task<std::expected<std::shared_ptr<Fact>, Refused>> facts_for(
        std::string model, net::Canceller& canceller
    );
    core::Ticket make_ticket(core::TicketId id, AcquireRequest const& request, Fact& fact);
    void renew(Fact& fact);
    core::Demand const& demand_for(Fact& fact, DemandWish const& wish);
    net::Task<std::expected<Lease, Refused>> wait_for_lease(
        AcquireRequest const& request, Fact& fact, net::Canceller& canceller
    );
    net::Task<void> wait_in_queue(Waiter& waiter, core::TicketId id, AcquireRequest const& request);
    [[nodiscard]] std::size_t position_of(std::uint64_t ticket) const;  // in the queue, now
    [[nodiscard]] bool would_reload(Lease const& lease, Fact const& fact) const;
    Lease make_lease(
        core::Dispatch const& dispatch, core::TicketId id, Fact const& fact, bool is_native
    );
    Lease free_lease();
    void end_ticket(core::TicketId ticket, core::TicketOutcome outcome);
    void tell_end(core::TicketId ticket, core::TicketOutcome outcome);
    [[nodiscard]] Refused refusal(Error error) const;
    [[nodiscard]] DemandContext demand_context(std::string const& weights) const;
    [[nodiscard]] std::optional<std::uint32_t> resident_ctx(std::string const& weights) const;
    [[nodiscard]] std::optional<std::uint32_t> cap_of(std::string const& weights) const;
    void note_forms(Fact& fact, DemandWish const& wish, core::Demand const& demand);
    void name_largest(Refused& out, AcquireRequest const& request, Fact& fact) const;
    [[nodiscard]] std::optional<Bytes> charge_as_listed(
        core::Demand const& demand, std::uint32_t num_ctx
    ) const;

    // loads.cpp
    net::Task<void> run_load(
        std::shared_ptr<Impl> keep, core::Load action, std::shared_ptr<net::Canceller> canceller
    );
    void load_failed(core::Load const& action, core::LoadFailure failure, std::string const& text);
    net::Task<void> load_succeeded(core::Load const& action, TimePoint sent, LoadWatch watch);
    void raise_to_listed(core::Demand const& demand, core::LoadSucceeded& event) const;
    net::Task<bool> fell_to_cpu(core::Load const& action, core::Row const& row);
    bool shrink(core::Demand const& demand, core::Row const& row);
    void remember_loaded(core::Demand const& demand, core::LoadSucceeded const& event);
    net::Task<void> run_unload(std::shared_ptr<Impl> keep, core::Unload action);
    [[nodiscard]] std::vector<std::string> unload_names(core::Unload const& action) const;
    void unload_ended(UnloadWatch const& watch);

    // poll.cpp
    net::Task<void> poll_loop(std::shared_ptr<Impl> keep);
    net::Task<void> poll_once();
    net::Task<Result<std::vector<core::Row>>> read_rows();
    void request_poll();
    [[nodiscard]] std::optional<TimePoint> next_poll() const;
    void advance_watches(TimePoint asked);

    // rows.cpp
    net::Task<std::vector<core::Row>> resolve_rows(std::vector<upstream::LoadedRow> listed);
    core::Row row_of(upstream::LoadedRow const& listed);
    [[nodiscard]] std::string weights_of(upstream::LoadedRow const& listed);
    void learn_default_num_ctx(std::uint32_t listed, upstream::ModelInfo const& info);
    [[nodiscard]] bool is_resolved(upstream::LoadedRow const& listed);

    // measuring.cpp
    void learn_size(core::Row const& row);
    void count_size(core::Row const& row, std::string const& key);
    void tell_calibration() const;
    void note_contradiction(core::Row const& row, Bytes predicted, memory::ErrorBar const& bar);
    net::Task<std::optional<core::PerCard>> read_used();
    net::Task<void> measure_load(
        std::shared_ptr<Impl> keep, core::Demand demand, LoadWatch watch, core::LoadSucceeded event
    );
    void learn_process(core::Demand const& demand, core::LoadSucceeded const& event, Bytes taken);

    // placing.cpp
    void note_device_change();
    [[nodiscard]] bool is_device_settled() const;
    void note_others(core::PerCard const& used);
    [[nodiscard]] core::PerCard without_others(core::PerCard used) const;
    void place_loaded(
        core::InstanceId instance, core::PerCard const& before, core::PerCard const& after
    );
    net::Task<void> place_new(std::vector<core::Row>& rows);
    net::Task<void> place_others();

    // health.cpp
    net::Task<void> start_up(std::shared_ptr<Impl> keep);
    net::Task<void> health_loop();
    net::Task<void> came_up(upstream::Health found);
    void went_down(upstream::Health found);
    void note_failure(Error const& error);
    void kick_health();
    [[nodiscard]] bool lost_all(std::vector<core::Row> const& rows) const;
    net::Task<void> set_configured_pins(std::shared_ptr<Impl> keep);
    void drain();
    net::Task<void> stop();
    void cancel_loads();
    net::Task<void> hand_back_idle();

    // operators.cpp
    net::Task<Result<core::InstanceView>> load(AcquireRequest request, net::Canceller& canceller);
    net::Task<Result<void>> unload(std::string model, net::Canceller& canceller);
    net::Task<Result<void>> unload_and_wait(std::string model, net::Canceller& canceller);
    net::Task<Result<void>> unload_weights(
        std::string weights, std::string model, net::Canceller& canceller
    );
    net::Task<Result<core::InstanceView>> pin(
        AcquireRequest request, std::optional<Duration> for_how_long, net::Canceller& canceller
    );
    net::Task<Result<void>> unpin(std::string model);
    net::Task<Result<Engine::Plan>> plan(AcquireRequest request);
    net::Task<Result<void>> wish(AcquireRequest request);
    net::Task<CleanupReport> cleanup(net::Canceller& canceller);
    net::Task<Result<std::string>> known_weights(std::string model, net::Canceller* canceller);
    [[nodiscard]] Result<core::InstanceView> view_of(
        std::string const& weights, std::string const& model
    ) const;

    // foresight.cpp
    net::Task<Result<core::Demand>> announced_demand(AcquireRequest request);
    net::Task<Released> release(std::string model, std::string client, net::Canceller& canceller);

    // estimate.cpp
    net::Task<Result<EstimateAnswer>> estimate(EstimateRequest request);
    // `pinned`: how such a request would be loaded, for what was measured of it.
    memory::EstimateQuery estimate_query(
        Fact const& fact, EstimateRequest const& request, core::RunnerSettings& pinned
    ) const;

    // ps_answer.cpp
    net::Task<Result<std::string>> ps_answer();

    void reconfigure(EngineConfig next);

    Engine& engine;
    net::Loop& loop;
    upstream::Provider& provider;
    EngineConfig config;
    core::Scheduler scheduler;
    std::shared_ptr<Facts> facts;
    Measurements measurements;
    Calibration calibration;
    EventLog events;

    // Stepping. Events that come while one is carried out wait for their turn.
    bool is_stepping = false;
    std::deque<core::Event> backlog;
    std::vector<std::shared_ptr<StepObserver>> observers;
    net::Timer wakeup;
    std::optional<TimePoint> armed_for;
    std::list<net::Flag*> watchers;
    std::string last_notice;  // the first since it was cleared: why a pin was refused, which has no
                              // ticket to say so

    std::unordered_map<std::uint64_t, Waiter*> waiters;
    std::unordered_map<std::uint64_t, Told>
        told;  // by ticket: dispatches whose end is an event, too
    std::uint64_t last_ticket = 0;
    std::uint64_t last_announcement = 0;
    std::size_t unresolved = 0;  // requests that wait for the upstream to describe their model

    std::uint64_t demand_epoch = 1;
    std::optional<std::uint32_t> learned_num_ctx;

    std::unordered_map<std::uint64_t, LoadInFlight> loading;
    std::list<UnloadWatch> unloading;

    net::Flag poll_flag;
    std::optional<TimePoint> poll_wait;  // while the polling loop sleeps: until when
    bool is_poll_wanted = false;
    bool is_polling = false;
    bool is_list_failing = false;  // since the last poll; said once
    TimePoint last_poll{};
    TimePoint poll_not_before{};
    std::map<std::string, TimePoint>
        unresolvable;  // digest or name of a row: when it was last tried
    std::unordered_map<std::string, Bytes> last_sizes;  // by weights: as listed in the poll before
    std::map<std::string, std::uint32_t> ctx_caps;  // by weights: a larger context fell to the CPU
    std::set<std::string> unsized;  // weights loaded by us whose size was not counted yet

    std::shared_ptr<probe::MemoryProbe> device_probe;  // null: no driver tells
    std::vector<std::string> card_names;
    bool is_device_failing = false;  // said once
    std::optional<TimePoint> last_device_change;
    std::uint64_t device_changes = 0;  // loads and unloads that were begun or ended

    net::Flag health_flag;
    upstream::Health last_health;
    bool is_up = false;
    bool is_known_down = false;
    bool was_refused = false;  // since it was last up: the process was gone
    bool is_adopted = false;

    net::Canceller stopping;
    bool is_draining = false;
    std::size_t tasks = 0;
};

}  // namespace plimsoll::engine
