#pragma once
// One call of Scheduler::on: the state, the time, and the actions so far. Passed by reference to
// every rule.

#include "core/state.hpp"

#include <algorithm>
#include <utility>

namespace plimsoll::core {

struct Turn {
    State& state;
    TimePoint now{};
    std::vector<Action>& actions;
    // `asked` of the list that this turn brought; a load is sent in such a turn only.
    std::optional<TimePoint> observed = std::nullopt;

    template <class A>
    void emit(A action) {
        actions.emplace_back(std::move(action));
    }

    void notice(Notice::Level level, std::string text) { emit(Notice{level, std::move(text)}); }

    // Every rule that waits for a moment names it, on every turn; what lies behind us needs no
    // alarm.
    void wake(TimePoint at) const {
        if (at > now) {
            state.wake = std::min(state.wake, at);
        }
    }
};

}  // namespace plimsoll::core
