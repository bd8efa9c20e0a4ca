#pragma once
// From a client's words and a model's facts to what must be in memory. Pure.

#include "engine/facts.hpp"
#include "engine/measurements.hpp"

#include <plimsoll/core/types.hpp>
#include <plimsoll/engine/engine.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace plimsoll::engine {

inline constexpr std::uint32_t kSmallestDefaultCtx = 4096;  // tokens, below 23 GiB of device memory

// Everything besides the request that a demand depends on.
struct DemandContext {
    EngineConfig const& config;
    Measurements const& measurements;
    std::uint32_t default_num_ctx = 4096;  // of native requests that name no context
    std::uint32_t bare_num_ctx = 4096;     // what the upstream gives a load without one
    // Set while that is only assumed: a bare load is then booked for the largest default there is,
    // though never above this, so that it has the room to itself; what it really took is known when
    // it is loaded.
    std::optional<Bytes> bare_ceiling;
    memory::Device device = {};  // as learned
    Bytes fit_budget = {};       // what a context that is to fit may take, pins of others left out
    std::optional<std::uint32_t> resident_ctx = {};  // of a pinned instance of these weights
    std::optional<std::uint32_t> ctx_cap = {};       // a larger one fell to the CPU lately
    std::string server = {};                         // server_text() of the upstream as it runs
};

// What an upstream was started with, and its version: under another one measured sizes may differ.
std::string server_text(EngineConfig const& config, std::string const& version);

ModelPolicy const& policy_of(EngineConfig const& config, std::string const& key);

// What the upstream gives when nobody configures or asks: by total memory (262144, 32768 or 4096
// tokens). Without a known device a little more than the budget is assumed, because a budget leaves
// room for others.
std::uint32_t upstream_default_num_ctx(core::SchedulerConfig const& config);

// The request's options over the Modelfile's, without what the policy cuts and what equals the
// upstream's default.
core::RunnerOptions effective_options(
    upstream::ModelInfo const& info,
    core::RunnerOptions const& request,
    std::vector<std::string> const& cut
);

// The same for the predictor, with what the upstream's server was told.
memory::Settings memory_settings(core::RunnerSettings const& settings, EngineConfig const& config);

core::RunnerSettings bare_settings(upstream::ModelInfo const& info, DemandContext const& context);
// The largest context that would be booked within context.fit_budget; nothing: none.
std::optional<std::uint32_t> largest_that_fits(
    upstream::ModelInfo const& info,
    core::RunnerSettings const& settings,
    DemandContext const& context
);

core::RunnerSettings pinned_settings(
    upstream::ModelInfo const& info,
    ModelPolicy const& policy,
    DemandWish const& wish,
    DemandContext const& context
);

core::Demand make_demand(
    upstream::ModelInfo const& info,
    ModelPolicy const& policy,
    DemandWish const& wish,
    DemandContext const& context
);

// Bytes to book for these weights in this form: the policy's, else the larger of predicted and ever
// measured.
Bytes charge_of(
    upstream::ModelInfo const& info,
    ModelPolicy const& policy,
    core::Form form,
    core::RunnerSettings const& settings,
    DemandContext const& context
);

// Why these weights would not load as the upstream is set up, or would leave attention to the CPU,
// in a sentence; empty: they would. A policy that gives the bytes takes the answer upon itself.
std::string load_refusal(
    upstream::ModelInfo const& info, ModelPolicy const& policy, EngineConfig const& config
);

// The client's wish under the policy; nullopt leaves it to the scheduler's default.
std::optional<core::KeepAlive> effective_keep_alive(
    std::optional<core::KeepAlive> wished, ModelPolicy const& policy, EngineConfig const& config
);

}  // namespace plimsoll::engine
