// What the requests for a model ask of memory, as things stand: budget, pins, what was learned.
#include "engine/impl.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::engine {

DemandContext Engine::Impl::demand_context(std::string const& weights) const {
    bool const is_known = config.default_num_ctx_is_known;
    std::optional<Bytes> ceiling;
    if (!is_known && !learned_num_ctx && !config.scheduler.device_total) {
        ceiling = config.scheduler.budget - scheduler.pinned_charge({});
    }
    auto const assumed = ceiling ? kSmallestDefaultCtx : upstream_default_num_ctx(config.scheduler);
    auto const bare = is_known ? config.default_num_ctx : learned_num_ctx.value_or(assumed);
    return DemandContext{
        .config = config,
        .measurements = measurements,
        .default_num_ctx =
            is_known ? config.default_num_ctx : learned_num_ctx.value_or(config.default_num_ctx),
        .bare_num_ctx = bare,
        .bare_ceiling = ceiling,
        .device = calibration.device(config.device),
        .fit_budget = scheduler.largest_charge(weights),
        .resident_ctx = resident_ctx(weights),
        .ctx_cap = cap_of(weights),
        .server = server_text(config, last_health.version),
    };
}

// What was worked out under other settings or measurements does not hold any more.
void Engine::Impl::renew(Fact& fact) {
    if (fact.demands_epoch != demand_epoch) {
        fact.demands.clear();
        fact.refusal = load_refusal(*fact.info, policy_of(config, fact.key), config);
        fact.demands_epoch = demand_epoch;
    }
}

core::Demand const& Engine::Impl::demand_for(Fact& fact, DemandWish const& wish) {
    constexpr std::size_t kKept = 8;
    renew(fact);
    for (auto const& [known, demand] : fact.demands) {
        if (known == wish) {
            return demand;
        }
    }
    if (fact.demands.size() >= kKept) {
        fact.demands.erase(fact.demands.begin());
    }
    auto const context = demand_context(fact.info->weights);
    fact.demands.emplace_back(
        wish, make_demand(*fact.info, policy_of(config, fact.key), wish, context)
    );
    note_forms(fact, wish, fact.demands.back().second);
    return fact.demands.back().second;
}

std::optional<std::uint32_t> Engine::Impl::resident_ctx(std::string const& weights) const {
    auto const* known = measurements.known(weights);
    return known != nullptr && known->form == core::Form::Pinned
               ? std::optional(known->settings.num_ctx)
               : std::nullopt;
}

std::optional<std::uint32_t> Engine::Impl::cap_of(std::string const& weights) const {
    auto const found = ctx_caps.find(weights);
    return found == ctx_caps.end() ? std::nullopt : std::optional(found->second);
}

// A native request for more than the default makes the upstream reload a model that /v1 requests
// need bare, and they make it reload again. Said once for a model, with what ends it.
void Engine::Impl::note_forms(Fact& fact, DemandWish const& wish, core::Demand const& demand) {
    auto& largest = wish.is_native ? fact.native_ctx : fact.bare_ctx;
    largest = std::max(largest, demand.settings.num_ctx);
    if (fact.bare_ctx == 0 || fact.native_ctx <= fact.bare_ctx || fact.is_both_said) {
        return;
    }
    fact.is_both_said = true;
    auto const sentence = fmt::format(
        "{} is asked for on routes that cannot name a context ({} tokens by default) and on others "
        "with {}: it is loaded anew each time one follows the other; start the upstream with "
        "OLLAMA_CONTEXT_LENGTH={}, or give the model num_ctx {} in its Modelfile",
        fact.info->name,
        fact.bare_ctx,
        fact.native_ctx,
        fact.native_ctx,
        fact.native_ctx
    );
    kLog.warning(sentence);
    events.add("two_forms", fact.info->name, sentence, {{"num_ctx", fact.native_ctx}});
}

// To whom too large a context was refused is told the one that would do.
void Engine::Impl::name_largest(Refused& out, AcquireRequest const& request, Fact& fact) const {
    if (out.kind != core::RefuseKind::DoesNotFit || !request.is_native) {
        return;
    }
    auto const& policy = policy_of(config, fact.key);
    if (policy.vram) {  // its bytes are the policy's, whatever the context
        return;
    }
    auto const context = demand_context(fact.info->weights);
    auto const settings = pinned_settings(*fact.info, policy, wish_of(request), context);
    auto const largest = largest_that_fits(*fact.info, settings, context);
    out.error.message += largest ? fmt::format(" (the largest num_ctx that fits is {})", *largest)
                                 : " (not even its smallest context fits)";
}

}  // namespace plimsoll::engine
