#pragma once
// The counting itself: meter.cpp (what happens) and meter_reading.cpp (what is). Loop thread only.

#include <plimsoll/engine/meter.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::engine {

// "low", "normal", "high": the label of a class, by the number of its priority.
std::string_view class_word(std::size_t priority);

// Those that the scheduler does not count as evictions, reloads or expirations.
std::uint64_t unexplained_unloads(core::Counters const& counters);

class Meter final : public StepObserver {
  public:
    Meter(metrics::Registry& registry, Engine& engine);

    void on_step(
        core::Event const& event,
        TimePoint now,
        std::vector<core::Action> const& actions,
        core::Counters const& so_far
    ) override;
    void on_dispatch(core::Priority priority, Duration waited) override;
    void on_unloaded(Duration took) override;

    void on_calibrated(memory::Samples const& ratios) override { ratios_ = ratios; }

    // The pool, its models, its queue.
    void tell(metrics::Reading& reading);

  private:
    struct Loading {
        std::string model;  // its label
        // Of a swap that somebody waits for: since when it is nothing but dead time.
        std::optional<TimePoint> dead_since;
    };

    void on_event(core::Event const& event, TimePoint now, core::Counters const& so_far);
    void on_load(core::Load const& load, TimePoint now);
    void on_loaded(core::LoadSucceeded const& loaded, TimePoint now);
    void on_unload(core::Unload const& unload, bool is_cleanup, std::uint64_t& unexplained);
    void tell_pool(metrics::Reading& reading, core::Snapshot const& snapshot) const;
    void tell_cards(metrics::Reading& reading, core::Snapshot const& snapshot) const;
    void tell_models(metrics::Reading& reading, core::Snapshot const& snapshot);
    void tell_queue(metrics::Reading& reading, core::Snapshot const& snapshot) const;
    void tell_counters(metrics::Reading& reading, core::Counters const& counters) const;
    std::string_view label_of(std::string const& model);

    static constexpr std::size_t kRefuseReasons = 10;
    static constexpr std::size_t kFailureReasons = 7;

    metrics::Registry& registry_;
    Engine& engine_;
    std::string upstream_;
    metrics::BoundedLabels& models_;
    std::array<metrics::Counter, kRefuseReasons> refusals_;
    std::array<metrics::Counter, kFailureReasons> load_failures_;
    std::array<metrics::Histogram, 3> waits_;  // by priority
    metrics::Histogram unloads_, dead_;
    metrics::Counter swaps_;
    std::map<core::InstanceId, Loading> loading_;
    core::Counters before_;               // as of the last step
    std::optional<TimePoint> room_made_;  // the last unload that makes room, no load since
    // Unloads by the causes that the scheduler does not count; weights that somebody asked to
    // unload and that were not unloaded since.
    std::uint64_t requested_ = 0, cleaned_ = 0;
    std::set<std::string> to_be_unloaded_;
    memory::Samples ratios_;
};

}  // namespace plimsoll::engine
