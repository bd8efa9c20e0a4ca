#pragma once
// A seeded world that tries to make somebody wait longer than the scheduler promises: closed loops,
// overlapping streams, many requests at once, those who steal room with small models, clients that
// leave, loads that fail, pins, announced uses that come or not, other settings of the same model.
// Its upstream is slow at times but does what it is told. Throws InvariantBroken where a ticket
// waited longer than every bound that was exported while it did.

#include <plimsoll/core/scheduler.hpp>

#include "property/checker.hpp"
#include "property/rng.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

namespace plimsoll::test {

struct BoundReport {
    std::uint64_t events = 0, dispatched = 0, promised = 0;  // promised: never without a bound
    Duration longest_wait{};
    double closest = 0;  // the largest share of its bound that a promised ticket waited, 0 to 1
    core::Counters counters;
};

class BoundWorld {
  public:
    BoundWorld(std::uint64_t seed, Duration length);
    BoundReport run();

  private:
    enum class Kind : std::uint8_t {
        Asks,      // an adversary's next request
        Leaves,    // a client
        Ends,      // an answer
        LoadEnds,  // as planned
        RowGoes,
        ListComes,
        Operates,   // pins
        Announces,  // a use that may come or not
        Withdraws,
    };

    struct Happening {
        TimePoint at{};
        std::uint64_t sequence = 0;
        Kind kind = Kind::Asks;
        std::uint64_t subject = 0;

        bool operator>(Happening const& other) const {
            return at != other.at ? at > other.at : sequence > other.sequence;
        }
    };

    struct Model {
        core::Demand demand;
        Duration load, unload, answer;
        double fails = 0;
    };

    // Asks for its model again `think` after each answer, or every `think` whatever happens.
    struct Adversary {
        std::size_t model = 0;
        std::string client;
        bool is_closed = true;
        std::size_t at_once = 1;
        Duration think{};
        double leaves = 0;
        core::Priority priority = core::Priority::Normal;
    };

    struct Waiting {
        std::size_t adversary = 0;
        TimePoint arrived{};
        std::optional<Duration> bound = Duration{};  // the largest so far; empty: none was promised
    };

    void draw_models();
    void draw_adversaries();
    void plan(Duration in, Kind kind, std::uint64_t subject);
    void tell(core::Event const& event);
    void carry_out(core::Action const& action);
    void note_bound();
    void happen(Happening const& happening);
    void ask(std::size_t adversary);
    void end(core::TicketId ticket);
    void end_load();
    void start_load(core::Load const& load);
    void start_list();
    void show_list();
    void operate();
    void announce();
    void dispatched(core::Dispatch const& dispatch);
    void again(std::size_t adversary);

    std::uint64_t seed_;
    Rng rng_;
    Duration length_;
    core::SchedulerConfig config_;
    core::Scheduler scheduler_;
    std::vector<Model> models_;
    std::vector<Adversary> adversaries_;
    std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
    std::uint64_t sequence_ = 0, last_ticket_ = 0, last_announcement_ = 0;
    TimePoint now_ = TimePoint(std::chrono::hours(1));
    std::unordered_map<core::TicketId, Waiting> waiting_;
    std::unordered_map<core::TicketId, std::size_t> answering_;  // whose
    std::optional<core::Load> load_;
    std::map<core::InstanceId, core::Demand> rows_;
    std::optional<TimePoint> list_asked_;
    bool is_list_wanted_ = false;
    std::vector<core::Event> told_;
    BoundReport report_;
};

}  // namespace plimsoll::test
