#pragma once
// Counts for Prometheus what one upstream's scheduler does, and tells what it has in memory and who
// waits. docs/metrics.md says what each metric means. Loop thread only.

#include <plimsoll/engine/engine.hpp>
#include <plimsoll/engine/step_observer.hpp>
#include <plimsoll/metrics/registry.hpp>

#include <memory>

namespace plimsoll::engine {

// For Engine::observe() of this engine. The registry must outlive the engine's tasks.
std::shared_ptr<StepObserver> make_meter(metrics::Registry& registry, Engine& engine);

}  // namespace plimsoll::engine
