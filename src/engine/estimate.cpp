// What a model would take, for people who ask before they load.
#include "engine/impl.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>

namespace plimsoll::engine {
namespace {

std::uint32_t to_u32(std::int64_t number) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(number, 0, UINT32_MAX));
}

}  // namespace

memory::EstimateQuery Engine::Impl::estimate_query(
    Fact const& fact, EstimateRequest const& request, core::RunnerSettings& pinned
) const {
    upstream::ModelInfo const& info = *fact.info;
    // As a request of a native client that says as little.
    DemandWish wish;
    wish.num_ctx = request.num_ctx;
    ModelPolicy policy = policy_of(config, fact.key);
    if (request.num_ctx) {
        policy.context = ContextPolicy::Client;
    }
    pinned = pinned_settings(info, policy, wish, demand_context(info.weights));
    memory::EstimateQuery query;
    query.settings = memory_settings(pinned, config);
    query.settings.num_batch = to_u32(request.num_batch.value_or(info.num_batch.value_or(0)));
    query.settings.parallel = to_u32(std::max<std::int64_t>(
        request.parallel.value_or(static_cast<std::int64_t>(config.scheduler.parallel)), 1
    ));
    query.settings.kv_type = request.kv_type.value_or(query.settings.kv_type);
    query.settings.flash_attention =
        request.flash_attention.value_or(query.settings.flash_attention);
    query.settings.draft_num_predict =
        to_u32(request.draft_num_predict.value_or(query.settings.draft_num_predict));
    query.device = calibration.device(config.device);
    query.fit = request.fit.value_or(
        config.scheduler.cards.empty() ? config.scheduler.budget
                                       : scheduler.largest_charge(info.weights)
    );
    query.fit_by = request.fit ? memory::FitBy::Predicted : memory::FitBy::Booked;
    return query;
}

net::Task<Result<EstimateAnswer>> Engine::Impl::estimate(EstimateRequest request) {
    auto const keep = shared_from_this();
    auto const fact = co_await facts->resolve(request.model, nullptr);
    if (!fact) {
        note_failure(fact.error());
        co_return fail(fact.error());
    }
    upstream::ModelInfo const& info = *(*fact)->info;
    if (info.is_remote) {
        co_return fail(
            Errc::Unsupported, fmt::format("{} runs remotely; it takes no memory here", info.name)
        );
    }
    if (!info.geometry.missing.empty()) {
        co_return fail(
            Errc::Unsupported,
            fmt::format(
                "the metadata of {} lacks {}, so its bytes cannot be told; while it has not been "
                "measured, a generous guess is booked for it, or what models.\"{}\".vram says",
                info.name,
                fmt::join(info.geometry.missing, ", "),
                info.name
            )
        );
    }
    core::RunnerSettings pinned;
    auto const query = estimate_query(**fact, request, pinned);
    auto const* measured =
        measurements.find(info.weights, settings_key(core::Form::Pinned, pinned));
    co_return EstimateAnswer{
        .model = info.name,
        .estimate = memory::estimate(info.geometry, info.file_size, query),
        .budget = config.scheduler.budget,
        .measured = measured == nullptr ? Bytes() : measured->charge,
        .sizes = measured == nullptr
                     ? memory::Sizes{}
                     : sizes_of(*measured, server_text(config, last_health.version)),
        .ratios = calibration.ratios(),
        .process = calibration.process(),
    };
}

}  // namespace plimsoll::engine
