// The scheduler alone: how long one event takes with 1,000 tickets waiting for 50 models, and with
// 30 for 8, where the next load is chosen by looking ahead, how long the short way of a resident
// model takes, and how many events a second a closed simulation makes.

#include <plimsoll/core/scheduler.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace plimsoll;
using namespace plimsoll::core;
using Clock = std::chrono::steady_clock;

Demand demand(std::uint64_t model) {
    Demand made;
    made.weights = "sha256-" + std::string(58, 'a') + std::to_string(model);
    made.model = "model" + std::to_string(model) + ":latest";
    made.settings = RunnerSettings{4096, 512, {}};
    made.charge = gibibytes(2 + model % 8);
    made.load_time = std::chrono::seconds(2 + model % 8);
    made.unload_time = std::chrono::seconds(1);
    return made;
}

Ticket ticket(std::uint64_t id, std::uint64_t model) {
    Ticket made;
    made.id = TicketId{id};
    made.client = "client" + std::to_string(id % 17);
    made.demand = demand(model);
    return made;
}

// An upstream that does at once what it is told.
class Bench {
  public:
    explicit Bench(std::size_t queue_limit) : scheduler(config(queue_limit)) {}

    static SchedulerConfig config(std::size_t queue_limit) {
        SchedulerConfig made;
        made.budget = gibibytes(24);
        made.parallel = 2;
        made.queue_limit = queue_limit;
        return made;
    }

    void send(Event const& event) {
        auto const begin = Clock::now();
        auto const actions = scheduler.on(event, now);
        times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - begin).count());
        for (Action const& action : actions) {
            if (auto const* load = std::get_if<Load>(&action)) {
                loading.push_back(*load);
                loading_since = now;
            } else if (auto const* dispatch = std::get_if<Dispatch>(&action)) {
                running.push_back(dispatch->ticket);
            }
        }
    }

    // Time goes on by 100 ms: answers end, the load ends, the list is read.
    void step() {
        now += std::chrono::milliseconds(100);
        for (TicketId const id : std::exchange(running, {})) {
            send(TicketEnded{id, TicketOutcome::Done});
        }
        if (!loading.empty() && now - loading_since >= loading.back().demand.load_time) {
            Load const load = loading.back();
            loading.clear();
            loaded.push_back(load);
            send(LoadSucceeded{
                load.instance, load.demand.charge, load.demand.charge, 4096, load.demand.load_time
            });
        }
        std::vector<Row> rows;
        std::erase_if(loaded, [&](Load const& load) { return !scheduler.state_of(load.instance); });
        for (Load const& load : loaded) {
            if (scheduler.state_of(load.instance) != InstanceState::Unloading) {
                Demand const& each = load.demand;
                rows.push_back(Row{
                    each.weights, each.model, each.charge, each.charge, 4096, {}, {}, each.charge
                });
            }
        }
        send(Observed{rows, now});
    }

    void report(char const* what) {
        std::ranges::sort(times);
        double sum = 0;
        for (double const each : times) {
            sum += each;
        }
        auto const at = [&](double share) {
            return times[static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))];
        };
        std::printf(
            "%-44s %8zu events  mean %6.2f us  p50 %6.2f  p99 %6.2f  max %7.1f  (%.2f M "
            "events/s)\n",
            what,
            times.size(),
            sum / static_cast<double>(times.size()),
            at(0.5),
            at(0.99),
            at(1.0),
            static_cast<double>(times.size()) / sum
        );
        times.clear();
    }

    Scheduler scheduler;
    TimePoint now{std::chrono::hours(1)};
    std::vector<double> times;
    std::vector<TicketId> running;
    std::vector<Load> loading, loaded;
    TimePoint loading_since{};
};

void bench_resident() {
    Bench bench(1024);
    std::uint64_t id = 0;
    bench.send(TicketArrived{ticket(++id, 1)});
    for (int i = 0; i < 40; ++i) {
        bench.step();
    }
    bench.times.clear();
    for (int i = 0; i < 200'000; ++i) {
        bench.send(TicketArrived{ticket(++id, 1)});
        for (TicketId const each : std::exchange(bench.running, {})) {
            bench.now += std::chrono::milliseconds(1);
            bench.send(TicketEnded{each, TicketOutcome::Done});
        }
    }
    bench.report("resident model: arrive and end");
}

// As many go on waiting.
void bench_crowd(std::uint64_t waiting, std::uint64_t models, int steps, char const* what) {
    Bench bench(1'000'000);
    std::uint64_t id = 0;
    std::uint64_t model = 0;
    while (id < waiting) {
        bench.send(TicketArrived{ticket(++id, ++model % models)});
    }
    bench.times.clear();
    for (int i = 0; i < steps; ++i) {
        std::size_t const before = bench.running.size();
        bench.step();
        for (std::size_t n = 0; n < before; ++n) {
            bench.send(TicketArrived{ticket(++id, (++model * 7) % models)});
        }
    }
    bench.report(what);
}

}  // namespace

int main() {
    bench_resident();
    bench_crowd(1000, 50, 20'000, "1,000 waiting for 50 models: any event");
    bench_crowd(30, 8, 20'000, "30 waiting for 8 models: any event");
}
