#include "chain/chain_metrics.hpp"

namespace plimsoll::chain {
namespace {

using metrics::Kind;
using metrics::Metric;

constexpr Metric kRuns{
    .kind = Kind::Counter,
    .name = "plimsoll_chain_runs_total",
    .help = "Runs of chains that ended, by how: succeeded, failed, cancelled.",
    .labels = {"status"}
};
constexpr Metric kActive{
    .kind = Kind::Gauge, .name = "plimsoll_chain_runs_active", .help = "Runs of chains that go on."
};
constexpr Metric kCalls{
    .kind = Kind::Counter,
    .name = "plimsoll_mcp_calls_total",
    .help =
        "Calls of tools, by MCP server and result (error: the call failed, or the tool said "
        "that it did).",
    .labels = {"server", "result"}
};

}  // namespace

ChainMetrics::ChainMetrics(metrics::Registry* registry, std::vector<McpServerConfig> const& servers)
    : registry_(registry) {
    if (registry_ == nullptr) {
        return;
    }
    for (auto const status : {RunStatus::Succeeded, RunStatus::Failed, RunStatus::Cancelled}) {
        ends_.at(static_cast<std::size_t>(status)) = registry_->counter(kRuns, {to_string(status)});
    }
    for (auto const& server : servers) {
        for (auto const* const result : {"ok", "error"}) {
            static_cast<void>(registry_->counter(kCalls, {server.id, result}));
        }
    }
}

void ChainMetrics::run_ended(RunStatus status) {
    ends_.at(static_cast<std::size_t>(status)).increment();
}

void ChainMetrics::tool_called(std::string_view server, bool is_good) {
    if (registry_ != nullptr) {
        registry_->counter(kCalls, {server, is_good ? "ok" : "error"}).increment();
    }
}

void tell_active_runs(metrics::Reading& reading, std::size_t count) {
    reading.set(kActive, {}, static_cast<double>(count));
}

}  // namespace plimsoll::chain
