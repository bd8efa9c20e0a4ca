#pragma once
// Sees what the scheduler was told and what it decided, in order, before anything of it is carried
// out, and what the engine measures of that. Called on the loop's thread for every event, so it has
// to be quick and must not change anything.

#include <plimsoll/base/time.hpp>
#include <plimsoll/core/action.hpp>
#include <plimsoll/core/event.hpp>
#include <plimsoll/core/snapshot.hpp>
#include <plimsoll/memory/calibration.hpp>

#include <vector>

namespace plimsoll::engine {

class StepObserver {
  public:
    virtual ~StepObserver() = default;
    // `so_far`: what the scheduler has counted, this step included.
    virtual void on_step(
        core::Event const& event,
        TimePoint now,
        std::vector<core::Action> const& actions,
        core::Counters const& so_far
    ) = 0;

    // A request got its slot.
    virtual void on_dispatch(core::Priority /*priority*/, Duration /*waited*/) {}

    // An unload was seen to be over.
    virtual void on_unloaded(Duration /*took*/) {}

    // Of listed over predicted size, of this upstream's loads: as restored, and whenever one is
    // added.
    virtual void on_calibrated(memory::Samples const& /*ratios*/) {}
};

}  // namespace plimsoll::engine
