#pragma once
// Counts runs and calls of tools for Prometheus. Loop thread only.

#include <plimsoll/chain/config.hpp>
#include <plimsoll/chain/run.hpp>
#include <plimsoll/metrics/registry.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

class ChainMetrics {
  public:
    // Null: counts nowhere. The registry must outlive it. Those servers are there from the start.
    ChainMetrics(metrics::Registry* registry, std::vector<McpServerConfig> const& servers);

    // One that goes on after a restart has not ended.
    void run_ended(RunStatus status);
    // `server`: the id of a configured one.
    void tool_called(std::string_view server, bool is_good);

  private:
    metrics::Registry* registry_;
    std::array<metrics::Counter, 4> ends_;  // by RunStatus
};

// The runs that go on now.
void tell_active_runs(metrics::Reading& reading, std::size_t count);

}  // namespace plimsoll::chain
