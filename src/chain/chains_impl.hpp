#pragma once
// The service's state: chains.cpp (runs), saved_chains.cpp, chain_models.cpp. Loop thread only.

#include "chain/chain_metrics.hpp"
#include "chain/library.hpp"
#include "chain/run/journal.hpp"
#include "chain/run/live_run.hpp"
#include "chain/tools/tool_servers.hpp"

#include <plimsoll/chain/chains.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace plimsoll::chain {

struct Chains::Impl final : proxy::VirtualModels, std::enable_shared_from_this<Impl> {
    Impl(Surroundings with, ChainsConfig settings);

    // chains.cpp
    net::Task<void> resume_all(std::shared_ptr<Impl> keep);
    Result<std::shared_ptr<Run>> begin(
        std::string id, RunRequest request, std::optional<Past> past
    );
    net::Task<Result<std::shared_ptr<Run>>> continue_run(store::StoredRun stored);
    [[nodiscard]] std::expected<Spec, std::vector<Problem>> check(boost::json::value const& document
    ) const;
    std::string next_id();

    // saved_chains.cpp
    net::Task<Result<std::vector<Saved>>> saved();
    net::Task<Result<Saved>> saved(std::string name);
    [[nodiscard]] Saved checked(SavedFile file) const;

    // chain_models.cpp
    [[nodiscard]] bool has(std::string_view model) override;
    net::Task<boost::json::array> rows(http::Dialect dialect) override;
    net::Task<void> answer(
        net::Exchange& exchange,
        http::Route const& route,
        std::string_view model,
        std::string_view body
    ) override;
    net::Task<void> show(net::Exchange& exchange, Saved const& chain);
    net::Task<void> run_as_answer(
        net::Exchange& exchange,
        http::Route const& route,
        Saved const& chain,
        std::string model,
        std::string_view body
    );

    Surroundings surroundings;
    ChainsConfig config;
    ToolServers tools;
    ChainMetrics metrics;
    Journal journal;
    std::map<std::string, std::shared_ptr<LiveRun>> running;  // by id
    std::set<std::string> names;  // of saved chains, as they were found last
    std::uint64_t id_state = 0;
    bool is_draining = false;
};

}  // namespace plimsoll::chain
