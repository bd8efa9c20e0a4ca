// What people and store requests ask for: load, unload, pin, clean up.
#include "engine/impl.hpp"

#include <plimsoll/base/model_name.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::engine {
namespace {

std::string key_of(std::string const& model) {
    auto const name = ModelName::parse(model);
    return name ? name->key() : model;
}

core::PinView const* find_pin(core::Snapshot const& view, std::string const& weights) {
    auto const found = std::ranges::find(view.pins, weights, &core::PinView::weights);
    return found == view.pins.end() ? nullptr : &*found;
}

Error switched_off() {
    return {Errc::Unsupported, "management is switched off; set management.enabled = true"};
}

std::string why_kept(core::InstanceView const& instance) {
    if (auto need = who_needs(instance); !need.empty()) {
        return need;
    }
    switch (instance.state) {
        case core::InstanceState::Loading:
            return "loading";
        case core::InstanceState::Suspect:
            return "does not unload; restart the upstream";
        default:
            return "in use a moment ago";
    }
}

}  // namespace

std::string who_needs(core::InstanceView const& instance) {
    if (instance.pinned) {
        return "pinned";
    }
    if (instance.leases > 0) {
        return fmt::format("{} running", instance.leases);
    }
    return instance.waiting > 0 ? fmt::format("{} waiting for it", instance.waiting) : "";
}

core::InstanceView const* find_view(core::Snapshot const& view, std::string const& weights) {
    auto const found = std::ranges::find(view.instances, weights, &core::InstanceView::weights);
    return found == view.instances.end() ? nullptr : &*found;
}

// The weights behind a name; also of one that the upstream no longer stores, as long as it is
// loaded or pinned.
net::Task<Result<std::string>> Engine::Impl::known_weights(
    std::string model, net::Canceller* canceller
) {
    auto const fact = co_await facts->resolve(model, canceller);
    if (fact) {
        co_return (*fact)->info->weights;
    }
    note_failure(fact.error());
    auto const key = key_of(model);
    auto const view = scheduler.snapshot(loop.now());
    for (auto const& instance : view.instances) {
        if (key_of(instance.model) == key) {
            co_return instance.weights;
        }
    }
    for (auto const& pin : view.pins) {
        if (key_of(pin.model) == key) {
            co_return pin.weights;
        }
    }
    co_return fail(fact.error());
}

Result<core::InstanceView> Engine::Impl::view_of(
    std::string const& weights, std::string const& model
) const {
    auto const view = scheduler.snapshot(loop.now());
    if (auto const* found = find_view(view, weights)) {
        return *found;
    }
    return fail(Errc::Conflict, fmt::format("{} was loaded, but is gone again", model));
}

net::Task<Result<core::InstanceView>> Engine::Impl::load(
    AcquireRequest request, net::Canceller& canceller
) {
    auto const keep = shared_from_this();
    auto const model = request.model;
    if (!config.enabled) {
        co_return fail(switched_off());
    }
    auto lease = co_await acquire(std::move(request), canceller);
    if (!lease) {
        co_return fail(lease.error().error);
    }
    bool const is_remote = lease->free_of_charge;
    lease->end(core::TicketOutcome::Done);
    if (is_remote) {
        co_return fail(
            Errc::Unsupported, fmt::format("{} runs remotely; there is nothing to load", model)
        );
    }
    auto const fact = facts->peek(model);
    co_return view_of(fact ? fact->info->weights : std::string{}, model);
}

net::Task<Result<Engine::Plan>> Engine::Impl::plan(AcquireRequest request) {
    auto const keep = shared_from_this();
    if (!config.enabled) {
        co_return fail(switched_off());
    }
    auto const fact = co_await facts->resolve(request.model, nullptr);
    if (!fact) {
        note_failure(fact.error());
        co_return fail(fact.error());
    }
    if ((*fact)->info->is_remote) {
        co_return fail(
            Errc::Unsupported,
            fmt::format("{} runs remotely; it takes no memory and waits for nothing", request.model)
        );
    }
    renew(**fact);
    if (!(*fact)->refusal.empty()) {
        co_return fail(Errc::LoadFailed, (*fact)->refusal);
    }
    // An id that no ticket has: the next one's.
    auto const ticket = make_ticket(core::TicketId{last_ticket + 1}, request, **fact);
    co_return Plan{
        .demand = ticket.demand,
        .forecast = scheduler.forecast(loop.now(), ticket, core::ForecastLimits{}),
    };
}

net::Task<Result<void>> Engine::Impl::unload_weights(
    std::string weights, std::string model, net::Canceller& canceller
) {
    auto const view = scheduler.snapshot(loop.now());
    auto const* const instance = find_view(view, weights);
    if (instance == nullptr) {
        co_return Result<void>{};
    }
    if (auto const* pin = find_pin(view, weights)) {
        co_return fail(
            Errc::Conflict,
            fmt::format(
                "{} is pinned by {}; unpin it before it is unloaded", pin->model, pin->owner
            )
        );
    }
    auto const id = instance->id;
    for (;;) {
        step(core::UnloadRequested{.weights = weights});
        // An unload that is sent while the model loads is lost, so it is asked for again when that
        // has ended.
        bool const was_loading = scheduler.state_of(id) == core::InstanceState::Loading;
        auto const waited = co_await wait_until(
            [&] {
                auto const state = scheduler.state_of(id);
                return !state || *state == core::InstanceState::Suspect ||
                       (was_loading && *state != core::InstanceState::Loading);
            },
            std::nullopt,
            &canceller
        );
        if (!waited) {
            co_return fail(waited.error());
        }
        auto const state = scheduler.state_of(id);
        if (!state) {
            co_return Result<void>{};
        }
        if (*state == core::InstanceState::Suspect) {
            co_return fail(
                Errc::UnloadFailed,
                fmt::format(
                    "{} is still listed after its unload; it is tried again, but the upstream may "
                    "need a restart",
                    model
                ),
                ErrorSource::Upstream
            );
        }
        if (*state != core::InstanceState::Loading && *state != core::InstanceState::Ready &&
            !was_loading) {
            // Taken over by another decision; only its end counts.
            co_await wait_until([&] { return !scheduler.state_of(id); }, std::nullopt, &canceller);
            co_return canceller.is_cancelled() ? Result<void>(fail(Errc::Cancelled, "cancelled"))
                                               : Result<void>{};
        }
    }
}

net::Task<Result<void>> Engine::Impl::unload(std::string model, net::Canceller& canceller) {
    auto const keep = shared_from_this();
    auto const weights = co_await known_weights(model, &canceller);
    if (!weights) {
        co_return fail(weights.error());
    }
    co_return co_await unload_weights(*weights, std::move(model), canceller);
}

net::Task<Result<void>> Engine::Impl::unload_and_wait(
    std::string model, net::Canceller& canceller
) {
    auto const keep = shared_from_this();
    if (!config.enabled) {
        co_return Result<void>{};
    }
    auto const weights = co_await known_weights(model, &canceller);
    if (!weights) {
        // A name that means nothing yet has nothing loaded: pull and create make it.
        bool const is_unknown =
            weights.error().code == Errc::NotFound || weights.error().code == Errc::BadRequest;
        co_return is_unknown ? Result<void>{} : Result<void>(fail(weights.error()));
    }
    co_return co_await unload_weights(*weights, std::move(model), canceller);
}

net::Task<Result<core::InstanceView>> Engine::Impl::pin(
    AcquireRequest request, std::optional<Duration> for_how_long, net::Canceller& canceller
) {
    auto const keep = shared_from_this();
    if (!config.enabled) {
        co_return fail(switched_off());
    }
    auto const fact = co_await facts->resolve(request.model, &canceller);
    if (!fact) {
        note_failure(fact.error());
        co_return fail(fact.error());
    }
    auto const info = (*fact)->info;
    if (info->is_remote) {
        co_return fail(
            Errc::Unsupported, fmt::format("{} runs remotely; there is nothing to pin", info->name)
        );
    }
    renew(**fact);
    if (!(*fact)->refusal.empty()) {
        co_return fail(Errc::LoadFailed, (*fact)->refusal);
    }
    core::PinSet event;
    event.demand = demand_for(**fact, wish_of(request));
    event.owner = request.client;
    if (for_how_long) {
        event.until = loop.now() + *for_how_long;
    }
    last_notice.clear();
    step(std::move(event));
    ++demand_epoch;  // contexts that are to fit have less room
    auto const view = scheduler.snapshot(loop.now());
    if (find_pin(view, info->weights) == nullptr) {
        co_return fail(
            Errc::Conflict,
            last_notice.empty()
                ? fmt::format("{} cannot be pinned beside the other pins", info->name)
                : last_notice
        );
    }
    auto lease = co_await acquire(std::move(request), canceller);
    if (!lease) {
        if (lease.error().error.code != Errc::Cancelled) {
            // It would be tried again and again for nobody.
            step(core::PinCleared{.weights = info->weights});
        }
        co_return fail(lease.error().error);
    }
    lease->end(core::TicketOutcome::Done);
    co_return view_of(info->weights, info->name);
}

net::Task<Result<void>> Engine::Impl::unpin(std::string model) {
    auto const keep = shared_from_this();
    auto const weights = co_await known_weights(model, nullptr);
    if (!weights) {
        co_return fail(weights.error());
    }
    auto const view = scheduler.snapshot(loop.now());
    if (find_pin(view, *weights) == nullptr) {
        co_return fail(Errc::NotFound, fmt::format("{} is not pinned", model));
    }
    step(core::PinCleared{.weights = *weights});
    ++demand_epoch;
    co_return Result<void>{};
}

net::Task<Result<void>> Engine::Impl::wish(AcquireRequest request) {
    auto const keep = shared_from_this();
    auto const fact = co_await facts->resolve(request.model, nullptr);
    if (!fact) {
        note_failure(fact.error());
        co_return fail(fact.error());
    }
    auto const wished =
        effective_keep_alive(request.keep_alive, policy_of(config, (*fact)->key), config);
    if (wished && !(*fact)->info->is_remote) {
        step(core::KeepAliveWished{
            .client = std::move(request.client),
            .weights = (*fact)->info->weights,
            .keep_alive = *wished
        });
    }
    co_return Result<void>{};
}

net::Task<Engine::CleanupReport> Engine::Impl::cleanup(net::Canceller& canceller) {
    auto const keep = shared_from_this();
    step(core::CleanupRequested{});
    CleanupReport report;
    std::vector<core::InstanceView> leaving;
    for (auto& instance : scheduler.snapshot(loop.now()).instances) {
        if (instance.state == core::InstanceState::Unloading) {
            leaving.push_back(std::move(instance));
        } else {
            report.kept.push_back(instance.model + ": " + why_kept(instance));
        }
    }
    for (auto const& instance : leaving) {
        co_await wait_until(
            [&] {
                auto const state = scheduler.state_of(instance.id);
                return !state || *state != core::InstanceState::Unloading;
            },
            std::nullopt,
            &canceller
        );
        if (!scheduler.state_of(instance.id)) {
            report.unloaded.push_back(instance.model);
        } else {
            report.kept.push_back(instance.model + ": does not unload; restart the upstream");
        }
    }
    co_return report;
}

}  // namespace plimsoll::engine
