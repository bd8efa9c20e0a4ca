#pragma once
// What the parts of one run share. Loop thread only.

#include "chain/chain_metrics.hpp"
#include "chain/run/ask.hpp"
#include "chain/run/run_log.hpp"
#include "chain/tools/tool_servers.hpp"

#include <plimsoll/chain/chains.hpp>
#include <plimsoll/log/log.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

inline constexpr log::Logger kLog("chain");

struct RunContext {
    net::Loop& loop;
    std::vector<engine::Engine*> const& engines;
    AskProxy const& ask;
    ToolServers& tools;
    ChainMetrics& metrics;
    ChainsConfig config;  // as it was when the run began
    RunRequest request;
    std::string id;
    RunLog log;
    TimePoint began{};  // of the whole run, what was before a crash included

    [[nodiscard]] Spec const& spec() const { return request.spec; }

    // Of the queue and of keep-alive wishes: apart from what the same client asks for by itself.
    [[nodiscard]] std::string client() const { return request.client + "/chains"; }

    // What holds for all upstreams, and may change while the run goes on.
    [[nodiscard]] engine::EngineConfig const& global() const { return engines.front()->config(); }

    [[nodiscard]] bool is_managed() const { return global().enabled && spec().management.enabled; }

    [[nodiscard]] bool is_verbose() const {
        return spec().management.verbose.value_or(global().verbose);
    }

    // Models are unloaded after their steps.
    [[nodiscard]] bool unloads() const {
        return is_managed() &&
               spec().management.auto_unload.value_or(global().scheduler.auto_unload);
    }

    [[nodiscard]] Duration elapsed() const { return loop.now() - began; }

    void warn(std::string text) {
        kLog.warning(text, {}, id);
        log.add("warning", {{"text", std::move(text)}});
    }
};

// Whether both are the same server: "http://localhost:11434/" and "http://127.0.0.1:11434" are.
[[nodiscard]] bool is_same_url(std::string_view a, std::string_view b);

// The engine that has the model: the one at api_base, else the first. Errors: NotFound, or the
// upstream's.
net::Task<Result<engine::Engine*>> find_engine(
    std::vector<engine::Engine*> const& engines, ModelUse const& use
);

// What the scheduler is to be told of a request to this model.
engine::AcquireRequest acquire_request(RunContext const& context, ModelUse const& use);

// The context that is asked for; nullopt: left to the policy.
std::optional<std::int64_t> num_ctx_of(Management const& management, ModelUse const& use);

}  // namespace plimsoll::chain
