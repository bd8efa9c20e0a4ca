#pragma once
// A seeded world around one scheduler: clients, operators and a fake upstream on simulated time.
// Equal seeds give equal worlds; a broken invariant throws InvariantBroken.

#include <plimsoll/core/scheduler.hpp>

#include "property/checker.hpp"
#include "property/upstream.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <vector>

namespace plimsoll::test {

struct WorldConfig {
    std::uint64_t seed = 1;
    Duration length =
        std::chrono::hours(1);  // of traffic; then the faults end and everything has to drain
    double requests_per_second = 0.12;
    std::uint64_t stop_after_events = UINT64_MAX;
    std::uint64_t compare_every = 16;  // events between two comparisons of the whole snapshot
    bool has_faults = true;
    bool prints = false;  // each event and action, for a replay read by eye
    // Sees each event with what came of it.
    std::function<void(core::Event const&, TimePoint, std::vector<core::Action> const&)> observer{};
    // Sees the scheduler after each event.
    std::function<void(core::Scheduler const&, TimePoint, std::vector<core::Action> const&)> looker{
    };
};

struct WorldReport {
    std::uint64_t events = 0;
    std::uint64_t hash = 0;
    core::Counters counters;
    Bytes physical_peak;
    Duration longest_wait{};
};

class World {
  public:
    explicit World(WorldConfig config);
    WorldReport run();

    // What the scheduler began with, before the world runs.
    [[nodiscard]] core::SchedulerConfig const& scheduler_config() const {
        return scheduler_config_;
    }

  private:
    enum class Kind : std::uint8_t {
        Arrive,
        ClientLeaves,
        AnswerEnds,
        LoadEnds,
        AbortAnswered,
        RunnerGone,
        RunnerAppears,
        UnloadFails,
        ListArrives,
        PollTick,
        Reconcile,
        Foreign,
        RunnerCrash,
        UpstreamCrash,
        UpstreamBack,
        Operator,
    };

    struct Happening {
        TimePoint at;
        std::uint64_t sequence = 0;
        Kind kind = Kind::Arrive;
        std::uint64_t subject = 0;
        std::uint64_t detail = 0;

        bool operator>(Happening const& other) const {
            return at != other.at ? at > other.at : sequence > other.sequence;
        }
    };

    struct Model {
        std::string weights, name;
        Bytes base;
        Duration load;
    };

    struct Answer {
        core::InstanceId instance{};
    };

    struct LoadInFlight {
        core::InstanceId instance{};
        std::uint64_t runner = 0;
        core::Demand demand;
        bool is_aborted = false;
    };

    struct List {
        std::vector<core::Row> rows;
        TimePoint asked;
        bool is_lost = false;
    };

    void draw_faults();
    void plan(Duration in, Kind kind, std::uint64_t subject = 0, std::uint64_t detail = 0);
    void send(core::Event const& event);
    void print(core::Event const& event, std::vector<core::Action> const& actions) const;
    void happen(Happening const& happening);
    void happen_upstream(Happening const& happening);
    void answer_load(Happening const& happening);
    void poll_regularly(Happening const& happening);

    void arrive();
    void leave(core::TicketId ticket);
    void end_answer(core::TicketId ticket);
    void operate();
    void change_pin();
    void change_announcements();
    void change_config();

    void carry_out(core::Action const& action);
    void start_load(core::Load const& load);
    void abort_load(core::AbortLoad const& abort);
    void start_unload(core::Unload const& unload);
    void start_answer(core::Dispatch const& dispatch);
    void end_load();
    void fail_load(core::LoadFailure failure);
    void poll();
    void end_poll();
    void load_foreign();
    void crash_runner();
    void crash_upstream();
    void bring_back();
    void stop_trouble();
    void check_physical();
    void draw_cards();
    void set_budget(Bytes budget);
    [[nodiscard]] core::PerCard lies_on(Bytes bytes, Bytes estimate);
    void show_cards(core::InstanceId instance, Bytes charge);
    void show_others();
    void check_cards();
    [[nodiscard]] bool is_quiet() const;
    [[noreturn]] void report_forgotten() const;

    core::Demand demand_of(Model const& model);
    core::RunnerSettings settings_of(std::uint32_t num_ctx);

    WorldConfig config_;
    Rng rng_;
    Faults faults_;
    // Of its own, so that cards do not change what else a seed means.
    Rng card_rng_;
    core::SchedulerConfig scheduler_config_;
    core::Scheduler scheduler_;
    Checker checker_;
    FakeUpstream upstream_;
    std::vector<Model> models_;
    std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
    std::uint64_t sequence_ = 0;
    std::uint64_t last_ticket_ = 0;
    std::uint64_t last_announcement_ = 0;
    std::vector<core::AnnouncementId> announced_;
    TimePoint now_{};
    std::map<core::TicketId, Answer> answers_;
    std::optional<List> list_;  // one poll is outstanding at a time
    bool is_poll_due_ = false;  // asked for while one was
    std::uint64_t last_list_ = 0;
    std::optional<LoadInFlight> load_;
    bool is_up_ = true;
    bool is_winding_down_ = false;
    bool had_trouble_ = false;  // something made physical memory unforeseeable
    Bytes physical_peak_;
    Bytes largest_budget_;
    bool had_card_trouble_ = false;
    core::PerCard largest_card_budgets_;
    core::PerCard others_on_cards_;  // what other programs use
};

}  // namespace plimsoll::test
