#include "engine/impl.hpp"

#include <algorithm>

namespace plimsoll::engine {
namespace {

constexpr Duration kLongestPause = std::chrono::milliseconds(250);
constexpr Duration kAfterFailure = std::chrono::milliseconds(250);

}  // namespace

void Engine::Impl::request_poll() {
    is_poll_wanted = true;
    poll_flag.set();
}

// The one place that decides when the list is read: asked for, once a second while anything is
// charged, and in quick succession after an unload. Never two at a time.
std::optional<TimePoint> Engine::Impl::next_poll() const {
    if (!is_up || is_polling || !config.enabled) {
        return std::nullopt;
    }
    std::optional<TimePoint> when;
    auto const consider = [&](TimePoint candidate) {
        when = when ? std::min(*when, candidate) : candidate;
    };
    if (is_poll_wanted) {
        consider(TimePoint::min());
    }
    if (scheduler.has_instances()) {
        consider(last_poll + config.reconcile_interval);
    }
    for (auto const& watch : unloading) {
        consider(watch.next);
    }
    return when ? std::optional(std::max(*when, poll_not_before)) : std::nullopt;
}

net::Task<void> Engine::Impl::poll_loop(std::shared_ptr<Impl> keep) {
    TaskCount const count(keep);
    while (!stopping.is_cancelled()) {
        auto const when = next_poll();
        if (when && *when <= loop.now()) {
            co_await poll_once();
            continue;
        }
        poll_flag.reset();
        poll_wait = when.value_or(TimePoint::max());
        co_await poll_flag.wait(when, &stopping);
        poll_wait.reset();
    }
}

net::Task<void> Engine::Impl::poll_once() {
    // Cleared before it is sent: what is asked for from now on needs a list of its own.
    is_poll_wanted = false;
    is_polling = true;
    auto const asked = loop.now();
    last_poll = asked;
    auto const rows = co_await read_rows();
    is_polling = false;
    if (stopping.is_cancelled()) {
        co_return;
    }
    if (!rows) {
        if (!is_list_failing && is_up) {
            kLog.warning(
                "the upstream's list cannot be read; nothing is loaded until it can",
                {{"upstream", provider.config().name}, {"error", rows.error().message}}
            );
        }
        is_list_failing = true;
        is_poll_wanted = true;
        poll_not_before = loop.now() + kAfterFailure;
        note_failure(rows.error());
        co_return;
    }
    is_list_failing = false;
    step(core::Observed{.rows = *rows, .asked = asked});
    co_await place_others();
    if (stopping.is_cancelled()) {
        co_return;
    }
    for (auto const& row : *rows) {
        learn_size(row);
    }
    advance_watches(asked);
}

net::Task<Result<std::vector<core::Row>>> Engine::Impl::read_rows() {
    auto listed = co_await provider.list_loaded();
    if (!listed) {
        co_return fail(listed.error());
    }
    auto rows = co_await resolve_rows(std::move(*listed));
    co_await place_new(rows);
    co_return rows;
}

void Engine::Impl::advance_watches(TimePoint asked) {
    for (auto at = unloading.begin(); at != unloading.end();) {
        auto const state = scheduler.state_of(at->instance);
        if (!state) {
            auto const ended = std::move(*at);
            at = unloading.erase(at);
            unload_ended(ended);
            continue;
        }
        if (*state != core::InstanceState::Unloading && *state != core::InstanceState::Suspect) {
            at = unloading.erase(at);
            continue;
        }
        if (at->next <= asked) {
            // One that did not work is looked at with all others, until it is tried again.
            bool const is_suspect = *state == core::InstanceState::Suspect;
            at->pause =
                is_suspect ? config.reconcile_interval : std::min(at->pause * 2, kLongestPause);
            at->next = loop.now() + at->pause;
        }
        ++at;
    }
}

}  // namespace plimsoll::engine
