#pragma once
// Drives one scheduler by hand: an event and a time in, the actions' kinds and texts out.

#include "support/catch.hpp"

#include <plimsoll/core/scheduler.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace plimsoll::test {

using namespace plimsoll::core;
using namespace std::chrono_literals;

inline Demand demand(std::string const& weights, Bytes charge, std::uint32_t num_ctx = 4096) {
    Demand made;
    made.weights = weights;
    made.model = weights + ":latest";
    made.settings = RunnerSettings{num_ctx, 512, {}};
    made.charge = charge;
    made.load_time = 2s;
    made.unload_time = 1s;
    return made;
}

inline Demand bare(Demand made) {
    made.form = Form::Bare;
    made.settings.num_batch = 0;
    return made;
}

class Driver {
  public:
    explicit Driver(SchedulerConfig config) : scheduler(config) {}

    static SchedulerConfig small(Bytes budget) {
        SchedulerConfig config;
        config.budget = budget;
        return config;
    }

    std::vector<Action> on(Event const& event) {
        last = scheduler.on(event, now);
        for (Action const& action : last) {
            log.push_back(action);
        }
        return last;
    }

    // Events come only when the scheduler wants to be woken.
    std::vector<Action> pass(Duration by) {
        TimePoint const end = now + by;
        std::vector<Action> all;
        while (scheduler.next_wakeup() && *scheduler.next_wakeup() <= end) {
            now = std::max(now, *scheduler.next_wakeup());
            append(all, on(TimePassed{}));
        }
        now = end;
        last = all;
        return all;
    }

    TicketId ask(
        Demand const& wanted,
        std::string const& client = "anna",
        std::optional<KeepAlive> keep = std::nullopt
    ) {
        Ticket ticket;
        ticket.id = TicketId{++last_ticket};
        ticket.client = client;
        ticket.demand = wanted;
        ticket.keep_alive = keep;
        on(TicketArrived{ticket});
        return ticket.id;
    }

    // Answers an Observe that was asked for now.
    std::vector<Action> list(std::vector<Row> const& rows) {
        TimePoint const asked = now;
        now += 1ms;
        return on(Observed{rows, asked});
    }

    // A list of everything that is listed in truth: ready and draining instances, and those that
    // are asked to be kept.
    std::vector<Action> list_ready() { return list(ready_rows()); }

    std::vector<Row> ready_rows() const {
        std::vector<Row> rows;
        for (InstanceView const& view : scheduler.snapshot(now).instances) {
            if (view.state == InstanceState::Ready || view.state == InstanceState::Draining) {
                rows.push_back(
                    Row{view.weights,
                        view.model,
                        view.charge,
                        view.charge,
                        view.settings.num_ctx,
                        {},
                        {},
                        view.charge}
                );
            }
        }
        return rows;
    }

    // Asks, lets the list and the load pass, and returns the instance.
    InstanceId load(Demand const& wanted, std::string const& client = "anna") {
        TicketId const ticket = ask(wanted, client);
        list_ready();
        Load const load = only<Load>();
        now += 2s;
        loaded(load);
        REQUIRE(only<Dispatch>().ticket == ticket);
        on(TicketEnded{ticket, TicketOutcome::Done});
        return load.instance;
    }

    std::vector<Action> loaded(Load const& load) {
        return on(LoadSucceeded{
            load.instance, load.demand.charge, load.demand.charge, load.demand.settings.num_ctx, 2s
        });
    }

    // Two lists without its row.
    void confirm_gone() {
        list_ready();
        now += 1ms;
        on(TimePassed{});
        list_ready();
    }

    template <class A>
    std::vector<A> all() const {
        return of<A>(last);
    }

    template <class A>
    A only() const {
        auto const found = of<A>(last);
        REQUIRE(found.size() == 1);
        return found.front();
    }

    template <class A>
    bool none() const {
        return of<A>(last).empty();
    }

    template <class A>
    std::size_t total() const {
        return of<A>(log).size();
    }

    InstanceView view(InstanceId id) const {
        for (InstanceView const& each : scheduler.snapshot(now).instances) {
            if (each.id == id) {
                return each;
            }
        }
        FAIL("no such instance");
        return {};
    }

    Bytes charged() const { return scheduler.ledger().charged(); }

    TimePoint now{1h};
    Scheduler scheduler;
    std::vector<Action> last, log;
    std::uint64_t last_ticket = 0;

  private:
    static void append(std::vector<Action>& to, std::vector<Action> const& from) {
        to.insert(to.end(), from.begin(), from.end());
    }

    template <class A>
    static std::vector<A> of(std::vector<Action> const& actions) {
        std::vector<A> found;
        for (Action const& action : actions) {
            if (auto const* each = std::get_if<A>(&action)) {
                found.push_back(*each);
            }
        }
        return found;
    }
};

}  // namespace plimsoll::test
