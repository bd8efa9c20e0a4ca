#pragma once
// Work that blocks (SQLite, files), awaited from a coroutine of the loop.

#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace plimsoll::net {

// Runs `work` on the loop's worker thread and gives what it returned (not void). What it captures
// must be its own: it goes on when the awaiting coroutine is destroyed. Several are done in the
// order in which they were asked for.
template <class Work>
Task<std::invoke_result_t<Work&>> on_worker(Loop& loop, Work work) {
    struct State {
        State(Loop& on, Work with) : done(on), work(std::move(with)) {}

        Flag done;
        Work work;
        std::optional<std::invoke_result_t<Work&>> result;
    };

    auto const state = std::make_shared<State>(loop, std::move(work));
    loop.run_blocking(
        [state] { state->result.emplace(state->work()); }, [state] { state->done.set(); }
    );
    co_await state->done.wait();
    co_return std::move(*state->result);
}

}  // namespace plimsoll::net
