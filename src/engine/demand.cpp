#include "engine/demand.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <limits>
#include <type_traits>

namespace plimsoll::engine {
namespace {

constexpr Duration kLoadPrior = std::chrono::milliseconds(500);
constexpr double kBandwidthPrior = 2e9;  // bytes per second
constexpr Duration kUnloadPrior = std::chrono::seconds(1);
constexpr std::uint32_t kLargestDefault = 262144;  // tokens, from 47 GiB of device memory

}  // namespace

memory::Settings memory_settings(core::RunnerSettings const& settings, EngineConfig const& config) {
    memory::Settings out;
    out.num_ctx = settings.num_ctx;
    out.num_batch = settings.num_batch;
    out.parallel = static_cast<std::uint32_t>(config.scheduler.parallel);
    out.kv_type = config.kv_type;
    out.flash_attention = config.flash_attention;
    out.draft_num_predict = static_cast<std::uint32_t>(
        std::max<std::int64_t>(settings.options.draft_num_predict.value_or(0), 0)
    );
    return out;
}

namespace {

template <class T>
void overlay(std::optional<T>& base, std::optional<T> const& over) {
    if (over) {
        base = over;
    }
}

// "num_gpu" cuts every value, "num_gpu=0" only that one.
template <class T>
void cut(std::optional<T>& value, std::string_view name, std::vector<std::string> const& rules) {
    if (!value) {
        return;
    }
    std::string exact = std::string(name) + "=";
    if constexpr (std::is_same_v<T, bool>) {
        exact += *value ? "true" : "false";
    } else {
        exact += std::to_string(*value);
    }
    bool const matches = std::ranges::any_of(rules, [&](std::string const& rule) {
        return rule == name || rule == exact;
    });
    if (matches) {
        value.reset();
    }
}

bool defaults_to_shift(upstream::ModelInfo const& info) {
    return !info.geometry.architecture.starts_with("deepseek2");
}

}  // namespace

ModelPolicy const& policy_of(EngineConfig const& config, std::string const& key) {
    static ModelPolicy const kNone;
    auto const found = config.models.find(key);
    return found == config.models.end() ? kNone : found->second;
}

std::string server_text(EngineConfig const& config, std::string const& version) {
    return fmt::format(
        "version={} parallel={} kv={} flash={}",
        version,
        config.scheduler.parallel,
        memory::to_string(config.kv_type),
        memory::to_string(config.flash_attention)
    );
}

std::uint32_t upstream_default_num_ctx(core::SchedulerConfig const& config) {
    auto const total = config.device_total.value_or(config.budget.scaled(1.15));
    return total >= gibibytes(47)   ? kLargestDefault
           : total >= gibibytes(23) ? 32768
                                    : kSmallestDefaultCtx;
}

core::RunnerOptions effective_options(
    upstream::ModelInfo const& info,
    core::RunnerOptions const& request,
    std::vector<std::string> const& rules
) {
    core::RunnerOptions asked = request;
    cut(asked.num_gpu, "num_gpu", rules);
    cut(asked.main_gpu, "main_gpu", rules);
    cut(asked.num_thread, "num_thread", rules);
    cut(asked.draft_num_predict, "draft_num_predict", rules);
    cut(asked.use_mmap, "use_mmap", rules);
    cut(asked.shift, "shift", rules);
    core::RunnerOptions out = info.options;
    overlay(out.num_gpu, asked.num_gpu);
    overlay(out.main_gpu, asked.main_gpu);
    overlay(out.num_thread, asked.num_thread);
    overlay(out.draft_num_predict, asked.draft_num_predict);
    overlay(out.use_mmap, asked.use_mmap);
    overlay(out.shift, asked.shift);
    // The upstream reloads for neither of these, so they must not make a key of their own.
    if (out.num_gpu && *out.num_gpu < 0) {
        out.num_gpu.reset();
    }
    if (out.shift && *out.shift == defaults_to_shift(info)) {
        out.shift.reset();
    }
    return out;
}

core::RunnerSettings bare_settings(upstream::ModelInfo const& info, DemandContext const& context) {
    core::RunnerSettings out;
    out.num_ctx = memory::clamp_num_ctx(info.geometry, info.num_ctx.value_or(context.bare_num_ctx));
    // The upstream applies the Modelfile's options by itself.
    out.options = effective_options(info, {}, {});
    return out;
}

std::optional<std::uint32_t> largest_that_fits(
    upstream::ModelInfo const& info,
    core::RunnerSettings const& settings,
    DemandContext const& context
) {
    return memory::largest_num_ctx(
        info.geometry,
        info.file_size,
        memory_settings(settings, context.config),
        context.device,
        context.fit_budget,
        memory::FitBy::Booked
    );
}

namespace {

// A resident instance whose context is not far from the one that would be chosen now is kept: the
// room changes with every pin, and each step of it would be a reload.
bool is_near(std::uint32_t resident, std::uint32_t fitting) {
    return resident >= fitting - fitting / 4 && resident <= fitting + fitting / 10;
}

std::uint32_t context_of(
    upstream::ModelInfo const& info,
    ModelPolicy const& policy,
    DemandWish const& wish,
    core::RunnerSettings const& settings,
    DemandContext const& context
) {
    std::int64_t const own = info.num_ctx.value_or(context.default_num_ctx);
    std::int64_t const wanted = policy.context == ContextPolicy::Fixed
                                    ? std::int64_t{policy.num_ctx}
                                    : wish.num_ctx.value_or(own);
    auto num_ctx = memory::clamp_num_ctx(info.geometry, wanted);
    bool const fits_by_policy = policy.context == ContextPolicy::Fit;
    if (fits_by_policy || (policy.clamp && policy.context == ContextPolicy::Client)) {
        // Where nothing fits the wish stays, to be refused with its sums.
        if (auto const fitting = largest_that_fits(info, settings, context)) {
            num_ctx = fits_by_policy ? *fitting : std::min(num_ctx, *fitting);
        }
    }
    if (fits_by_policy && context.resident_ctx && is_near(*context.resident_ctx, num_ctx)) {
        num_ctx = *context.resident_ctx;
    }
    return context.ctx_cap ? std::min(num_ctx, std::max(*context.ctx_cap, 1U)) : num_ctx;
}

}  // namespace

core::RunnerSettings pinned_settings(
    upstream::ModelInfo const& info,
    ModelPolicy const& policy,
    DemandWish const& wish,
    DemandContext const& context
) {
    core::RunnerSettings out;
    constexpr std::int64_t kMax = std::numeric_limits<std::uint32_t>::max();
    auto const batch = wish.num_batch ? std::clamp<std::int64_t>(*wish.num_batch, 0, kMax)
                                      : std::int64_t{info.num_batch.value_or(0)};
    out.num_batch = static_cast<std::uint32_t>(batch);
    out.options = effective_options(info, wish.options, context.config.cut_options);
    out.num_ctx = context_of(info, policy, wish, out, context);
    // What the upstream would choose with room to spare; said explicitly, so that it does not
    // choose by what it believes is free, and the prediction is for the very buffer that is made.
    if (out.num_batch == 0) {
        out.num_batch = memory::automatic_batch(
            info.geometry,
            out.num_ctx,
            static_cast<std::uint32_t>(context.config.scheduler.parallel)
        );
    }
    return out;
}

Bytes charge_of(
    upstream::ModelInfo const& info,
    ModelPolicy const& policy,
    core::Form form,
    core::RunnerSettings const& settings,
    DemandContext const& context
) {
    if (policy.vram) {
        return *policy.vram;
    }
    auto const predicted =
        memory::predict(
            info.geometry, info.file_size, memory_settings(settings, context.config), context.device
        )
            .booked;
    auto const* measured = context.measurements.find(info.weights, settings_key(form, settings));
    if (measured == nullptr) {
        return predicted;
    }
    // Several loads on this very server listed in full and agreed.
    if (auto const sizes = sizes_of(*measured, context.server); sizes.are_certain()) {
        return memory::certain_charge(sizes, context.device);
    }
    // Else never the measurement alone: what the upstream lists leaves out whole caches of windowed
    // models and projectors, and was taken under the settings of its day.
    return std::max(predicted, measured->charge + context.device.overhead);
}

std::string load_refusal(
    upstream::ModelInfo const& info, ModelPolicy const& policy, EngineConfig const& config
) {
    if (policy.vram) {
        return {};
    }
    auto const prediction =
        memory::predict(info.geometry, info.file_size, memory_settings({}, config));
    if (prediction.loads) {
        return {};
    }
    return fmt::format(
        "{} is not loaded. {} To load it all the same, give its bytes: [models.\"{}\"] vram = "
        "\"...\"",
        info.name,
        prediction.notes.front(),
        info.name
    );
}

namespace {

// A bare load whose context nobody knows yet: one of 262144, 32768 or 4096 tokens. Only the last
// can be promised to requests, and only the first be booked.
void book_unknown_context(
    core::Demand& demand,
    upstream::ModelInfo const& info,
    ModelPolicy const& policy,
    DemandContext const& context
) {
    auto largest = demand.settings;
    largest.num_ctx = memory::clamp_num_ctx(info.geometry, kLargestDefault);
    auto const most = charge_of(info, policy, core::Form::Bare, largest, context);
    demand.charge = std::max(demand.charge, std::min(most, *context.bare_ceiling));
}

}  // namespace

core::Demand make_demand(
    upstream::ModelInfo const& info,
    ModelPolicy const& policy,
    DemandWish const& wish,
    DemandContext const& context
) {
    core::Demand demand;
    demand.weights = info.weights;
    demand.model = info.name;
    // Which form a model is loaded in is the scheduler's decision: it remembers the bare demands,
    // and serves native ones from either form.
    demand.form = wish.is_native ? core::Form::Pinned : core::Form::Bare;
    demand.settings = wish.is_native ? pinned_settings(info, policy, wish, context)
                                     : bare_settings(info, context);
    demand.charge = charge_of(info, policy, demand.form, demand.settings, context);
    demand.has_own_ctx = demand.form == core::Form::Bare && info.num_ctx.has_value();
    if (demand.form == core::Form::Bare && context.bare_ceiling && !info.num_ctx && !policy.vram) {
        book_unknown_context(demand, info, policy, context);
    }
    demand.upstream_estimate = memory::upstream_estimate(
        info.geometry, info.file_size, memory_settings(demand.settings, context.config)
    );
    auto const* measured =
        context.measurements.find(info.weights, settings_key(demand.form, demand.settings));
    bool const has_load = measured != nullptr && measured->load_time > Duration{};
    bool const has_unload = measured != nullptr && measured->unload_time > Duration{};
    demand.load_time =
        has_load ? measured->load_time
                 : kLoadPrior +
                       from_seconds(static_cast<double>(info.file_size.count()) / kBandwidthPrior);
    demand.unload_time = has_unload ? measured->unload_time : kUnloadPrior;
    demand.answer_time = measured != nullptr ? measured->answer_time : Duration{};
    return demand;
}

std::optional<core::KeepAlive> effective_keep_alive(
    std::optional<core::KeepAlive> wished, ModelPolicy const& policy, EngineConfig const& config
) {
    using Kind = core::KeepAlive::Kind;
    std::optional<core::KeepAlive> own;
    if (policy.keep_alive) {
        own = core::KeepAlive{.kind = Kind::For, .duration = *policy.keep_alive};
    }
    if (config.keep_alive_policy == KeepAlivePolicy::Override || !wished) {
        return own;
    }
    if (config.keep_alive_policy == KeepAlivePolicy::Clamp) {
        bool const is_long =
            wished->kind == Kind::Forever ||
            (wished->kind == Kind::For && wished->duration > config.keep_alive_max);
        if (is_long) {
            return core::KeepAlive{.kind = Kind::For, .duration = config.keep_alive_max};
        }
    }
    return wished;
}

}  // namespace plimsoll::engine
