// The sections in their order, each with what it is for.

#include "config/settings.hpp"
#include "config/value.hpp"

#include <plimsoll/base/model_name.hpp>

#include <spdlog/fmt/fmt.h>

#include <cstddef>

namespace plimsoll::config {
namespace {

void visit_models(SectionVisitor& v, engine::EngineConfig& shared) {
    for (auto& [key, policy] : shared.models) {
        Result<ModelName> const name = ModelName::parse(key);
        std::string const shown = name ? name->short_name() : key;
        v.section(
            fmt::format("[models.{}]", toml_string(shown)),
            "models." + key,
            "Policy for one model, under any spelling of its name."
        );
        visit_model(v, policy);
    }
}

void visit_mcp_servers(SectionVisitor& v, chain::ChainsConfig& chains) {
    for (std::size_t i = 0; i < chains.mcp_servers.size(); ++i) {
        v.section(
            "[[mcp_server]]",
            fmt::format("mcp_server.{}", i),
            "A tool server that chains may use (Model Context Protocol): a program that is "
            "started, or a URL. Several: write the section several times."
        );
        visit_mcp_server(v, chains.mcp_servers[i]);
    }
}

}  // namespace

void visit_all(SectionVisitor& v, Config& config) {
    TopTexts texts;
    visit_top(v, config, texts);
    v.section("[server]", "server", "The listener: limits and time-outs of clients.");
    visit_server(v, config);
    v.section("[admin]", "admin", "A listener of its own for administration.");
    visit_admin(v, config.admin);
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        v.section(
            "[[upstream]]",
            fmt::format("upstream.{}", i),
            "A model server behind Plimsoll. Several: write the section several times, each with "
            "its own name."
        );
        visit_upstream(v, config.upstreams[i]);
    }
    engine::EngineConfig shared =
        config.upstreams.empty() ? engine::EngineConfig{} : config.upstreams.front().engine;
    v.section("[scheduler]", "scheduler", "Who is served when, and how long models stay.");
    visit_scheduler(v, shared);
    v.section("[management]", "management", "Whether models are managed, and how chains clean up.");
    visit_management(v, config, shared);
    visit_models(v, shared);
    ChainTexts chain_texts;
    v.section("[chains]", "chains", "Several prompts over several models in one call.");
    visit_chains(v, config.chains, chain_texts);
    visit_mcp_servers(v, config.chains);
    v.section("[access]", "access", "Who may call (docs/security.md).");
    visit_access(v, config.access);
    for (std::size_t i = 0; i < config.access.keys.size(); ++i) {
        v.section(
            "[[key]]",
            fmt::format("key.{}", i),
            "A key of somebody who may call; `plimsoll key hash` prints such a table. Without any "
            "key everybody who reaches Plimsoll may do everything."
        );
        visit_key(v, config.access.keys[i]);
    }
    v.section(
        "[device]",
        "device",
        "The cards of this host, for budget = \"auto\" and to learn what a process takes. Only "
        "where an upstream is on this host."
    );
    visit_device(v, config);
    v.section("[log]", "log", "Lines on standard error.");
    visit_log(v, config.log);
}

}  // namespace plimsoll::config
