// For clients that know what comes next, as runs of chains do: which models they will need, and
// which no longer.

#include "engine/impl.hpp"

#include <spdlog/fmt/fmt.h>

#include <utility>

namespace plimsoll::engine {
Announcement::~Announcement() {
    withdraw();
}

Announcement::Announcement(Announcement&& other) noexcept
    : engine_(std::exchange(other.engine_, nullptr)),
      id_(other.id_),
      demand_(std::move(other.demand_)) {}

Announcement& Announcement::operator=(Announcement&& other) noexcept {
    if (this != &other) {
        withdraw();
        engine_ = std::exchange(other.engine_, nullptr);
        id_ = other.id_;
        demand_ = std::move(other.demand_);
    }
    return *this;
}

void Announcement::expect_in(Duration time) {
    if (engine_ != nullptr) {
        auto& impl = *engine_->impl_;
        impl.step(core::UseAnnounced{
            .announcement = id_, .demand = demand_, .expected = impl.loop.now() + time
        });
    }
}

void Announcement::withdraw() {
    if (auto* const engine = std::exchange(engine_, nullptr)) {
        engine->impl_->step(core::UseWithdrawn{.announcement = id_});
    }
}

net::Task<Result<core::Demand>> Engine::Impl::announced_demand(AcquireRequest request) {
    auto const keep = shared_from_this();
    if (!config.enabled) {
        co_return fail(Errc::Unsupported, "management is switched off");
    }
    auto const fact = co_await facts->resolve(request.model, nullptr);
    if (!fact) {
        note_failure(fact.error());
        co_return fail(fact.error());
    }
    if ((*fact)->info->is_remote) {
        co_return fail(
            Errc::Unsupported, fmt::format("{} runs remotely; it takes no memory", request.model)
        );
    }
    co_return demand_for(**fact, wish_of(request));
}

net::Task<Result<Announcement>> Engine::announce(AcquireRequest request, Duration expected_in) {
    auto const impl = impl_;
    auto demand = co_await impl->announced_demand(std::move(request));
    if (!demand) {
        co_return fail(std::move(demand.error()));
    }
    Announcement out;
    out.engine_ = this;
    out.id_ = core::AnnouncementId{++impl->last_announcement};
    out.demand_ = std::move(*demand);
    out.expect_in(expected_in);
    co_return out;
}

net::Task<Released> Engine::Impl::release(
    std::string model, std::string client, net::Canceller& canceller
) {
    using End = Released::End;
    auto const keep = shared_from_this();
    auto const weights = co_await known_weights(model, &canceller);
    if (!weights) {
        co_return Released{.end = End::Absent, .why = weights.error().message};
    }
    auto const before = scheduler.snapshot(loop.now());
    auto const* const instance = find_view(before, *weights);
    if (instance == nullptr) {
        co_return Released{.end = End::Absent, .why = {}};
    }
    auto const id = instance->id;
    step(core::KeepAliveWished{
        .client = std::move(client),
        .weights = *weights,
        .keep_alive = {core::KeepAlive::Kind::Zero}
    });
    if (!config.scheduler.auto_unload) {
        // No wish of others is alive where nothing ever expires.
        step(core::CleanupRequested{.weights = *weights});
    }
    auto const is_leaving = [&] {
        auto const state = scheduler.state_of(id);
        return state == core::InstanceState::Draining || state == core::InstanceState::Unloading ||
               state == core::InstanceState::Aborting;
    };
    auto const waited =
        co_await wait_until([&] { return !is_leaving(); }, std::nullopt, &canceller);
    auto const state = scheduler.state_of(id);
    if (!state) {
        co_return Released{.end = End::Gone, .why = {}};
    }
    if (!waited || *state == core::InstanceState::Suspect) {
        co_return Released{
            .end = End::Stuck,
            .why = waited ? "it is still listed after its unload; the upstream may need a restart"
                          : "nobody waited for the end of its unload"
        };
    }
    auto const after = scheduler.snapshot(loop.now());
    auto const* const left = find_view(after, *weights);
    auto need = left == nullptr ? std::string() : who_needs(*left);
    co_return Released{
        .end = End::Kept,
        .why = need.empty() ? "another client or run wants it kept" : std::move(need)
    };
}

net::Task<Released> Engine::release(
    std::string model, std::string client, net::Canceller& canceller
) {
    return impl_->release(std::move(model), std::move(client), canceller);
}

}  // namespace plimsoll::engine
