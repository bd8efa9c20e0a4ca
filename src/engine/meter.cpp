// What happens: counted as the scheduler's steps go by.

#include "engine/meter.hpp"

#include <plimsoll/base/model_name.hpp>

#include <algorithm>
#include <utility>

namespace plimsoll::engine {
namespace {

using metrics::Kind;
using metrics::Metric;

constexpr std::array<double, 10> kLoadSeconds{0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320};
constexpr std::array<double, 11> kUnloadSeconds{
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30
};

constexpr Metric kRefusals{
    .kind = Kind::Counter,
    .name = "plimsoll_refusals_total",
    .help = "Requests that the scheduler refused, by reason.",
    .labels = {"upstream", "reason"}
};
constexpr Metric kLoadFailures{
    .kind = Kind::Counter,
    .name = "plimsoll_load_failures_total",
    .help = "Loads that failed, by reason; those that were given up are not among them.",
    .labels = {"upstream", "reason"}
};
constexpr Metric kModelLoads{
    .kind = Kind::Counter,
    .name = "plimsoll_model_loads_total",
    .help = "Loads that were sent, by model.",
    .labels = {"upstream", "model"}
};
constexpr Metric kModelUnloads{
    .kind = Kind::Counter,
    .name = "plimsoll_model_unloads_total",
    .help = "Unloads that were sent, by model; repetitions are not counted.",
    .labels = {"upstream", "model"}
};
constexpr Metric kSwaps{
    .kind = Kind::Counter,
    .name = "plimsoll_swaps_total",
    .help =
        "Loads for which a model in memory had to go: another one, or the same with other "
        "settings.",
    .labels = {"upstream"}
};
constexpr Metric kWait{
    .kind = Kind::Histogram,
    .name = "plimsoll_queue_wait_seconds",
    .help =
        "From a request's arrival at the scheduler to its slot, by class; 0 if there was one "
        "at once.",
    .labels = {"upstream", "class"},
    .buckets = metrics::kSeconds
};
constexpr Metric kLoadTime{
    .kind = Kind::Histogram,
    .name = "plimsoll_load_seconds",
    .help = "What the upstream took for loads that succeeded.",
    .labels = {"upstream", "model"},
    .buckets = kLoadSeconds
};
constexpr Metric kUnloadTime{
    .kind = Kind::Histogram,
    .name = "plimsoll_unload_seconds",
    .help = "From an unload's sending until the upstream's list was seen without it.",
    .labels = {"upstream"},
    .buckets = kUnloadSeconds
};
constexpr Metric kDeadTime{
    .kind = Kind::Histogram,
    .name = "plimsoll_swap_dead_seconds",
    .help =
        "Of a swap that somebody waits for: from its last unload until the new model was ready, "
        "without what the upstream took to load it.",
    .labels = {"upstream"},
    .buckets = kUnloadSeconds
};

// In the order of the enumerations.
constexpr std::array<std::string_view, 10> kRefuseWords{
    "does_not_fit",
    "queue_full",
    "deadline",
    "load_failed",
    "out_of_memory",
    "not_found",
    "barred",
    "stuck",
    "upstream_down",
    "unloaded",
};
static_assert(static_cast<std::size_t>(core::RefuseKind::Unloaded) + 1 == kRefuseWords.size());
constexpr std::array<std::string_view, 7> kFailureWords{
    "out_of_memory", "not_found", "timeout", "upstream_down", "busy", "refused", "aborted"
};
static_assert(static_cast<std::size_t>(core::LoadFailure::Aborted) + 1 == kFailureWords.size());

}  // namespace

std::uint64_t unexplained_unloads(core::Counters const& counters) {
    return counters.unloads - counters.evictions - counters.reloads - counters.expirations;
}

Meter::Meter(metrics::Registry& registry, Engine& engine)
    : registry_(registry),
      engine_(engine),
      upstream_(engine.provider().config().name),
      models_(registry.models_of(upstream_)),
      unloads_(registry.histogram(kUnloadTime, {upstream_})),
      dead_(registry.histogram(kDeadTime, {upstream_})),
      swaps_(registry.counter(kSwaps, {upstream_})) {
    static_assert(kRefuseReasons == kRefuseWords.size() && kFailureReasons == kFailureWords.size());
    for (std::size_t i = 0; i < kRefuseReasons; ++i) {
        refusals_[i] = registry.counter(kRefusals, {upstream_, kRefuseWords[i]});
    }
    for (std::size_t i = 0; i < kFailureReasons; ++i) {
        load_failures_[i] = registry.counter(kLoadFailures, {upstream_, kFailureWords[i]});
    }
    for (std::size_t i = 0; i < waits_.size(); ++i) {
        waits_[i] = registry.histogram(kWait, {upstream_, class_word(i)});
    }
}

std::shared_ptr<StepObserver> make_meter(metrics::Registry& registry, Engine& engine) {
    auto meter = std::make_shared<Meter>(registry, engine);
    registry.on_read([weak = std::weak_ptr(meter)](metrics::Reading& reading) {
        if (auto const alive = weak.lock()) {
            alive->tell(reading);
        }
    });
    return meter;
}

void Meter::on_step(
    core::Event const& event,
    TimePoint now,
    std::vector<core::Action> const& actions,
    core::Counters const& so_far
) {
    on_event(event, now, so_far);
    if (so_far.evictions + so_far.reloads > before_.evictions + before_.reloads) {
        room_made_ = now;
    }
    auto unexplained = unexplained_unloads(so_far) - unexplained_unloads(before_);
    bool const is_cleanup = std::holds_alternative<core::CleanupRequested>(event);
    for (auto const& action : actions) {
        if (auto const* load = std::get_if<core::Load>(&action)) {
            on_load(*load, now);
        } else if (auto const* unload = std::get_if<core::Unload>(&action)) {
            on_unload(*unload, is_cleanup, unexplained);
        } else if (auto const* refusal = std::get_if<core::Refuse>(&action)) {
            refusals_[static_cast<std::size_t>(refusal->kind)].increment();
        }
    }
    before_ = so_far;
}

void Meter::on_event(core::Event const& event, TimePoint now, core::Counters const& so_far) {
    if (auto const* loaded = std::get_if<core::LoadSucceeded>(&event)) {
        on_loaded(*loaded, now);
    } else if (auto const* failed = std::get_if<core::LoadFailed>(&event)) {
        loading_.erase(failed->instance);
        if (so_far.load_failures > before_.load_failures) {
            load_failures_[static_cast<std::size_t>(failed->failure)].increment();
        }
    } else if (auto const* request = std::get_if<core::UnloadRequested>(&event)) {
        to_be_unloaded_.insert(request->weights);
    }
}

void Meter::on_load(core::Load const& load, TimePoint now) {
    auto const model = label_of(load.demand.model);
    registry_.counter(kModelLoads, {upstream_, model}).increment();
    to_be_unloaded_.erase(load.demand.weights);
    std::optional<TimePoint> dead_since;
    if (auto const room_made = std::exchange(room_made_, std::nullopt)) {
        swaps_.increment();
        // Who wanted the room may have left since; what passed before anybody came who waits now
        // was nobody's time.
        Duration oldest{};
        for (auto const& waiting : engine_.snapshot().waiting) {
            oldest = std::max(oldest, waiting.waited);
            dead_since = std::max(*room_made, now - oldest);
        }
    }
    loading_[load.instance] = {std::string(model), dead_since};
}

void Meter::on_loaded(core::LoadSucceeded const& loaded, TimePoint now) {
    auto const found = loading_.find(loaded.instance);
    if (found == loading_.end()) {
        return;
    }
    auto const [model, dead_since] = std::move(found->second);
    loading_.erase(found);
    registry_.histogram(kLoadTime, {upstream_, model}).observe(loaded.took);
    if (dead_since) {
        dead_.observe(std::max(Duration{}, now - *dead_since - loaded.took));
    }
}

// `unexplained`: those of this step whose cause the scheduler does not count.
void Meter::on_unload(core::Unload const& unload, bool is_cleanup, std::uint64_t& unexplained) {
    if (unload.attempt != 1) {
        return;
    }
    registry_.counter(kModelUnloads, {upstream_, label_of(unload.model)}).increment();
    bool const was_requested = to_be_unloaded_.erase(unload.weights) > 0;
    if (unexplained > 0 && (is_cleanup || was_requested)) {
        --unexplained;
        ++(is_cleanup ? cleaned_ : requested_);
    }
}

void Meter::on_dispatch(core::Priority priority, Duration waited) {
    waits_[static_cast<std::size_t>(priority)].observe(waited);
}

void Meter::on_unloaded(Duration took) {
    unloads_.observe(took);
}

// As the upstream spells it, whichever of a model's names a request or a row used.
std::string_view Meter::label_of(std::string const& model) {
    auto const name = ModelName::parse(model);
    return models_.of(name ? name->short_name() : model);
}

}  // namespace plimsoll::engine
