#pragma once
// The simulated server's whole state, and what its routes share: waiting for a runner, faults, the
// clock. One per Simulator. Loop thread only.

#include "sim/books.hpp"
#include "sim/faults.hpp"
#include "sim/scheduler.hpp"
#include "sim/store.hpp"
#include "sim/wall_clock.hpp"

#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>
#include <plimsoll/sim/simulator.hpp>

#include <deque>
#include <expected>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace plimsoll::sim {

class Session;
class World;

// An answer that is an error: its status and its sentence. Status 0: the client has gone, say
// nothing.
struct Refused {
    unsigned status = 500;
    std::string text;
};

template <class T>
using OrRefused = std::expected<T, Refused>;

inline std::unexpected<Refused> refuse(unsigned status, std::string text) {
    return std::unexpected<Refused>(Refused{status, std::move(text)});
}

// A request's use of a runner; gives it back when it goes.
class Lease {
  public:
    Lease() = default;

    Lease(World& world, TicketId id) : world_(&world), id_(id) {}

    ~Lease() { reset(); }

    Lease(Lease&& other) noexcept : world_(std::exchange(other.world_, nullptr)), id_(other.id_) {}

    Lease& operator=(Lease&& other) noexcept;
    Lease(Lease const&) = delete;
    Lease& operator=(Lease const&) = delete;

    void reset();

    [[nodiscard]] TicketId id() const { return id_; }

  private:
    World* world_ = nullptr;
    TicketId id_ = 0;
};

class World {
  public:
    World(net::Loop& loop, SimConfig config, std::vector<ModelPtr> models);
    World(World const&) = delete;
    World& operator=(World const&) = delete;

    // A runner for `wanted`, loaded if need be. The lease is given back when the client goes.
    net::Task<OrRefused<Lease>> acquire(Wanted wanted, net::Canceller& canceller);
    // One of the runner's slots. False: the client has gone.
    net::Task<bool> slot(Lease const& lease, net::Canceller& canceller);
    void release(TicketId id);
    void expire(ModelPtr const& model, std::string_view path);
    void crash(ModelPtr const& model);
    void out_of_memory_during_request();

    // Everything is gone for that long, and every connection breaks.
    void restart(Duration down);

    [[nodiscard]] bool is_down() const { return now() < down_until_; }

    // The initial catalogue, nothing loaded, no faults, empty books.
    void reset();
    // Breaks every connection: the simulator ends.
    void cut_sessions();

    [[nodiscard]] TimePoint now() const { return loop.now(); }

    [[nodiscard]] Duration scaled(double seconds) const {
        return from_seconds(seconds / config.time_scale);
    }

    [[nodiscard]] std::string timestamp() const { return clock.rfc3339(now()); }

    // Rows of ps as they were at that time.
    [[nodiscard]] std::vector<Row> rows_at(TimePoint when) const;
    // After a change of the scheduler from outside: arms its timer and remembers the list.
    void changed();

    [[nodiscard]] std::uint64_t next_number() { return ++number_; }

    net::Loop& loop;
    SimConfig config;
    Books books;
    Scheduler scheduler;
    Faults faults;
    Store store;
    WallClock clock;
    std::set<Session*> sessions;

  private:
    void arm();

    struct Snapshot {
        TimePoint at;
        std::vector<Row> rows;
    };

    net::Timer timer_;
    std::deque<Snapshot> history_;  // for ps that lags
    TimePoint down_until_;
    std::uint64_t number_ = 0;
};

}  // namespace plimsoll::sim
