#pragma once
// Sees what the scheduler was told and what it decided, in order, before anything of it is carried
// out. Called on the loop's thread for every event, so it has to be quick and must not call back.

#include <plimsoll/base/time.hpp>
#include <plimsoll/core/action.hpp>
#include <plimsoll/core/event.hpp>

#include <vector>

namespace plimsoll::engine {

class StepObserver {
  public:
    virtual ~StepObserver() = default;
    virtual void on_step(
        core::Event const& event, TimePoint now, std::vector<core::Action> const& actions
    ) = 0;
};

}  // namespace plimsoll::engine
