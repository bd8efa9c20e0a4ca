// What is: told when somebody reads.

#include "engine/meter.hpp"

#include <algorithm>

namespace plimsoll::engine {
namespace {

using metrics::Kind;
using metrics::Metric;

constexpr Metric gauge(
    std::string_view name, std::string_view help, std::string_view second_label = {}
) {
    return {.kind = Kind::Gauge, .name = name, .help = help, .labels = {"upstream", second_label}};
}

constexpr Metric counter(
    std::string_view name, std::string_view help, std::string_view second_label = {}
) {
    return {
        .kind = Kind::Counter, .name = name, .help = help, .labels = {"upstream", second_label}
    };
}

// The pool.
constexpr auto kUp =
    gauge("plimsoll_upstream_up", "1 while the upstream answers its health checks, else 0.");
constexpr auto kReady =
    gauge("plimsoll_upstream_ready", "1 once what was loaded there has been adopted, else 0.");
constexpr auto kBudget =
    gauge("plimsoll_budget_bytes", "What all models of the upstream together may be charged.");
constexpr auto kCharged =
    gauge("plimsoll_charged_bytes", "What the ledger holds for the upstream's models now.");
constexpr auto kPeak = gauge(
    "plimsoll_peak_charged_bytes",
    "The most that the ledger held for the upstream's models since the start."
);
constexpr auto kOverBudget = gauge(
    "plimsoll_over_budget",
    "1 while more is charged than the budget: something was loaded by others, measured larger "
    "than predicted, or the budget was lowered."
);
constexpr auto kForeign = gauge(
    "plimsoll_foreign_charged_bytes",
    "The part of plimsoll_charged_bytes that was loaded past Plimsoll."
);
constexpr auto kCardBudget =
    gauge("plimsoll_card_budget_bytes", "The budget of one card of several.", "card");
constexpr auto kCardCharged = gauge(
    "plimsoll_card_charged_bytes",
    "What may lie on one card of several at most, by the ledger.",
    "card"
);
constexpr auto kInstances = gauge("plimsoll_instances", "Models in memory, by state.", "state");

// Its models.
constexpr auto kModelCharged = gauge(
    "plimsoll_model_charged_bytes",
    "Booked for the model: the larger of predicted and measured as long as a measurement can be "
    "wrong, with its margin.",
    "model"
);
constexpr auto kModelPredicted =
    gauge("plimsoll_model_predicted_bytes", "Booked for the model when it was loaded.", "model");
constexpr auto kModelMeasured = gauge(
    "plimsoll_model_measured_bytes",
    "What the upstream lists for the model; 0 before it has listed it.",
    "model"
);
constexpr auto kModelLeases =
    gauge("plimsoll_model_leases", "Requests that use the model now.", "model");

// Its queue.
constexpr auto kQueueLength =
    gauge("plimsoll_queue_length", "Requests that wait, by class.", "class");
constexpr auto kOldest = gauge(
    "plimsoll_queue_oldest_wait_seconds", "What the oldest waiting request has waited; 0: none."
);
constexpr auto kExpected = gauge(
    "plimsoll_queue_expected_wait_seconds",
    "The longest that a waiting request of this class will still wait, as forecast; 0: none waits.",
    "class"
);
constexpr auto kLongest =
    gauge("plimsoll_longest_wait_seconds", "The longest wait for a slot since the start.");
constexpr auto kBound = gauge(
    "plimsoll_starvation_bound_seconds",
    "No waiting request waits longer than the largest value seen meanwhile; absent while nothing "
    "can be promised (upstream down, a suspect, a foreign model, over budget)."
);

// How good predictions are.
constexpr auto kRatio = gauge(
    "plimsoll_calibration_ratio",
    "Listed over predicted size of this upstream's loads, mean; absent before the first."
);
constexpr auto kRatioSpread = gauge(
    "plimsoll_calibration_ratio_stddev",
    "Listed over predicted size, standard deviation; 0 below two loads."
);
constexpr auto kRatioSamples = gauge(
    "plimsoll_calibration_samples",
    "How many loads plimsoll_calibration_ratio is of, kept across restarts."
);

// What the scheduler counted.
constexpr auto kTickets = counter("plimsoll_tickets_total", "Requests that came to the scheduler.");
constexpr auto kDispatches =
    counter("plimsoll_dispatches_total", "Requests that the scheduler gave a slot of a model.");
constexpr auto kCancellations =
    counter("plimsoll_cancellations_total", "Requests whose client left before they got a slot.");
constexpr auto kLoads = counter("plimsoll_loads_total", "Loads that were sent.");
constexpr auto kLoadAborts = counter("plimsoll_load_aborts_total", "Loads that were given up.");
constexpr auto kUnloads = counter(
    "plimsoll_unloads_total",
    "Unloads that were sent, by reason: eviction (room for another model), reload (the same with "
    "other settings), expiry (keep-alive over), requested (by an operator), cleanup, other (over "
    "budget, connections lost, listed although its load failed).",
    "reason"
);
constexpr auto kForeignEvictions = counter(
    "plimsoll_foreign_evictions_total", "Evictions of models that were loaded past Plimsoll."
);
constexpr auto kSuspects = counter(
    "plimsoll_suspects_total", "Models that were still listed when their unload had its time."
);
constexpr auto kViolations = counter(
    "plimsoll_budget_violations_total",
    "Loads that were sent although ledger and charge exceeded the budget: must stay 0."
);

constexpr std::array<std::string_view, 3> kClasses{"low", "normal", "high"};

constexpr std::array<std::string_view, 6> kStates{
    "loading", "aborting", "ready", "draining", "unloading", "suspect"
};
static_assert(static_cast<std::size_t>(core::InstanceState::Suspect) + 1 == kStates.size());

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

double bytes(Bytes value) {
    return number(value.count());
}

}  // namespace

std::string_view class_word(std::size_t priority) {
    return kClasses.at(priority);
}

void Meter::tell(metrics::Reading& reading) {
    auto const snapshot = engine_.snapshot();
    tell_pool(reading, snapshot);
    tell_cards(reading, snapshot);
    tell_models(reading, snapshot);
    tell_queue(reading, snapshot);
    tell_counters(reading, snapshot.counters);
}

void Meter::tell_pool(metrics::Reading& reading, core::Snapshot const& snapshot) const {
    bool const is_up = snapshot.upstream_up && engine_.health().ok;
    reading.set(kUp, {upstream_}, is_up ? 1 : 0);
    reading.set(kReady, {upstream_}, engine_.is_ready() ? 1 : 0);
    reading.set(kBudget, {upstream_}, bytes(snapshot.budget));
    reading.set(kCharged, {upstream_}, bytes(snapshot.charged));
    reading.set(kPeak, {upstream_}, bytes(snapshot.peak));
    reading.set(kOverBudget, {upstream_}, snapshot.over_budget ? 1 : 0);
    std::array<std::uint64_t, kStates.size()> instances{};
    Bytes foreign;
    for (auto const& instance : snapshot.instances) {
        ++instances.at(static_cast<std::size_t>(instance.state));
        foreign += instance.foreign ? instance.charge : Bytes();
    }
    reading.set(kForeign, {upstream_}, bytes(foreign));
    for (std::size_t i = 0; i < kStates.size(); ++i) {
        reading.set(kInstances, {upstream_, kStates[i]}, number(instances[i]));
    }
    if (ratios_.count > 0) {
        reading.set(kRatio, {upstream_}, ratios_.mean);
    }
    reading.set(kRatioSpread, {upstream_}, ratios_.spread());
    reading.set(kRatioSamples, {upstream_}, number(ratios_.count));
}

void Meter::tell_cards(metrics::Reading& reading, core::Snapshot const& snapshot) const {
    auto const& cards = engine_.config().scheduler.cards;
    auto const& charged = snapshot.charged_by_card;
    for (std::size_t i = 0; i < std::min(cards.size(), charged.size()); ++i) {
        auto const card = std::to_string(i);
        reading.set(kCardBudget, {upstream_, card}, bytes(cards[i].budget));
        reading.set(kCardCharged, {upstream_, card}, bytes(charged[i]));
    }
}

void Meter::tell_models(metrics::Reading& reading, core::Snapshot const& snapshot) {
    struct Sum {
        Bytes charged, predicted, measured;
        std::uint64_t leases = 0;
    };

    std::map<std::string_view, Sum> sums;
    for (auto const& instance : snapshot.instances) {
        auto& sum = sums[label_of(instance.model)];
        sum.charged += instance.charge;
        sum.predicted += instance.predicted;
        sum.measured += instance.measured;
        sum.leases += instance.leases;
    }
    for (auto const& [model, sum] : sums) {
        reading.set(kModelCharged, {upstream_, model}, bytes(sum.charged));
        reading.set(kModelPredicted, {upstream_, model}, bytes(sum.predicted));
        reading.set(kModelMeasured, {upstream_, model}, bytes(sum.measured));
        reading.set(kModelLeases, {upstream_, model}, number(sum.leases));
    }
}

void Meter::tell_queue(metrics::Reading& reading, core::Snapshot const& snapshot) const {
    auto const forecast = snapshot.waiting.empty() ? core::Forecast{} : engine_.forecast();
    std::array<std::uint64_t, kClasses.size()> lengths{};
    std::array<Duration, kClasses.size()> expected{};
    Duration oldest{};
    for (auto const& waiting : snapshot.waiting) {
        auto const priority = static_cast<std::size_t>(waiting.priority);
        ++lengths.at(priority);
        oldest = std::max(oldest, waiting.waited);
        auto const wait = forecast.waits.find(waiting.id);
        if (wait != forecast.waits.end()) {
            expected.at(priority) = std::max(expected.at(priority), wait->second);
        }
    }
    for (std::size_t i = 0; i < kClasses.size(); ++i) {
        reading.set(kQueueLength, {upstream_, kClasses[i]}, number(lengths[i]));
        reading.set(kExpected, {upstream_, kClasses[i]}, to_seconds(expected[i]));
    }
    reading.set(kOldest, {upstream_}, to_seconds(oldest));
    reading.set(kLongest, {upstream_}, to_seconds(snapshot.longest_wait));
    if (snapshot.bound) {
        reading.set(kBound, {upstream_}, to_seconds(*snapshot.bound));
    }
}

void Meter::tell_counters(metrics::Reading& reading, core::Counters const& c) const {
    reading.set(kTickets, {upstream_}, number(c.tickets));
    reading.set(kDispatches, {upstream_}, number(c.dispatched));
    reading.set(kCancellations, {upstream_}, number(c.cancelled));
    reading.set(kLoads, {upstream_}, number(c.loads));
    reading.set(kLoadAborts, {upstream_}, number(c.loads_aborted));
    auto const unloads = [&](std::string_view reason, std::uint64_t count) {
        reading.set(kUnloads, {upstream_, reason}, number(count));
    };
    unloads("eviction", c.evictions);
    unloads("reload", c.reloads);
    unloads("expiry", c.expirations);
    unloads("requested", requested_);
    unloads("cleanup", cleaned_);
    unloads("other", unexplained_unloads(c) - requested_ - cleaned_);
    reading.set(kForeignEvictions, {upstream_}, number(c.foreign_evictions));
    reading.set(kSuspects, {upstream_}, number(c.suspects));
    reading.set(kViolations, {upstream_}, number(c.violations));
}

}  // namespace plimsoll::engine
