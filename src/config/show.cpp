#include "config/settings.hpp"
#include "config/value.hpp"

#include <plimsoll/base/model_name.hpp>

#include <spdlog/fmt/fmt.h>

#include <cstddef>
#include <iterator>
#include <utility>

namespace plimsoll::config {

namespace {

// One line a setting, with where it came from unless that is the built-in default.
class Writer final : public Visitor {
  public:
    Writer(Loaded const& loaded, std::string& out) : loaded_(loaded), out_(out) {}

    void section(std::string const& header, std::string path) {
        fmt::format_to(std::back_inserter(out_), "\n{}\n", header);
        path_ = std::move(path);
    }

    void setting(std::string_view key, Kind const& kind, std::string_view) override {
        std::optional<std::string> const text = kind.write();
        if (!text) {
            return;
        }
        std::string const line = fmt::format("{} = {}", key, *text);
        auto const found = loaded_.origins.find(
            path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key)
        );
        std::string const origin = found == loaded_.origins.end() ? "default" : found->second;
        fmt::format_to(std::back_inserter(out_), "{:<44} # {}\n", line, origin);
    }

    void later(std::string_view) override {}

  private:
    Loaded const& loaded_;
    std::string& out_;
    std::string path_;
};

}  // namespace

std::string show(Loaded const& loaded) {
    Config config = loaded.config;  // visiting takes references that it could write through
    TopTexts texts;
    std::string out =
        "# Effective configuration of Plimsoll; the comments say where each value came from.\n";
    for (std::string const& source : loaded.sources) {
        fmt::format_to(std::back_inserter(out), "# Read: {}\n", source);
    }
    Writer writer(loaded, out);
    visit_top(writer, config, texts);
    writer.section("[server]", "server");
    visit_server(writer, config);
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        writer.section("[[upstream]]", fmt::format("upstream.{}", i));
        visit_upstream(writer, config.upstreams[i]);
    }
    engine::EngineConfig shared =
        config.upstreams.empty() ? engine::EngineConfig{} : config.upstreams.front().engine;
    writer.section("[scheduler]", "scheduler");
    visit_scheduler(writer, shared);
    writer.section("[management]", "management");
    visit_management(writer, config, shared);
    for (auto& [key, policy] : shared.models) {
        Result<ModelName> const name = ModelName::parse(key);
        std::string const shown = name ? name->short_name() : key;
        writer.section(fmt::format("[models.{}]", toml_string(shown)), "models." + key);
        visit_model(writer, policy);
    }
    ChainTexts chain_texts;
    writer.section("[chains]", "chains");
    visit_chains(writer, config.chains, chain_texts);
    for (std::size_t i = 0; i < config.chains.mcp_servers.size(); ++i) {
        writer.section("[[mcp_server]]", fmt::format("mcp_server.{}", i));
        visit_mcp_server(writer, config.chains.mcp_servers[i]);
    }
    writer.section("[device]", "device");
    visit_device(writer, config);
    writer.section("[log]", "log");
    visit_log(writer, config.log);
    return out;
}

}  // namespace plimsoll::config
