#include "chain/run/journal.hpp"

#include "chain/run/run_context.hpp"

#include <plimsoll/net/on_worker.hpp>
#include <plimsoll/net/wall_clock.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace plimsoll::chain {

std::uint64_t wall_milliseconds() {
    using std::chrono::milliseconds;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<milliseconds>(net::wall_now()).count()
    );
}

void Journal::note(Result<void> const& done) {
    if (!done && !is_failing_) {
        kLog.warning(
            "Runs of chains cannot be written down, and would be lost in a crash: " +
            done.error().message
        );
    }
    is_failing_ = !done;
}

net::Task<void> Journal::save(store::StoredRun run, std::vector<store::StoredEvent> events) {
    auto work = [&store = store_, run = std::move(run), events = std::move(events)] {
        auto done = store.save(run);
        return done && !events.empty() ? store.save_events(run.id, events) : done;
    };
    note(co_await net::on_worker(loop_, std::move(work)));
}

net::Task<void> Journal::save_step(
    std::string run, StepRecord const& record, std::vector<store::StoredEvent> events
) {
    store::StoredStep step{record.key(), boost::json::serialize(to_json(record))};
    auto work = [&store = store_,
                 run = std::move(run),
                 step = std::move(step),
                 events = std::move(events)] { return store.save_step(run, step, events); };
    note(co_await net::on_worker(loop_, std::move(work)));
}

net::Task<void> Journal::prune(std::uint64_t most, Duration kept_for) {
    auto const age = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(kept_for).count()
    );
    auto const since = wall_milliseconds() - std::min(age, wall_milliseconds());
    note(co_await net::on_worker(loop_, [&store = store_, most, since] {
        return store.prune_runs(most, since);
    }));
}

net::Task<Result<std::vector<store::StoredRun>>> Journal::runs(
    std::string status, std::uint64_t most
) {
    return net::on_worker(loop_, [&store = store_, status = std::move(status), most] {
        return store.runs(status, most);
    });
}

net::Task<Result<store::StoredRun>> Journal::run(std::string id) {
    return net::on_worker(loop_, [&store = store_, id = std::move(id)] { return store.run(id); });
}

net::Task<Result<std::vector<StepRecord>>> Journal::steps(std::string run) {
    auto const stored = co_await net::on_worker(loop_, [&store = store_, run = std::move(run)] {
        return store.steps(run);
    });
    if (!stored) {
        co_return fail(stored.error());
    }
    std::vector<StepRecord> out;
    for (auto const& each : *stored) {
        auto record = record_from_json(each.record);
        if (!record) {
            co_return fail(std::move(record).error());
        }
        out.push_back(std::move(*record));
    }
    co_return out;
}

net::Task<Result<std::vector<store::StoredEvent>>> Journal::events(
    std::string run, std::uint64_t after_id
) {
    return net::on_worker(loop_, [&store = store_, run = std::move(run), after_id] {
        return store.events(run, after_id);
    });
}

}  // namespace plimsoll::chain
