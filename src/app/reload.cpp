// Reading the configuration: at the start, and again on SIGHUP.

#include "app/application.hpp"
#include "app/process.hpp"

#include <plimsoll/log/log.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace plimsoll::app {
namespace {

constexpr log::Logger kLog("app");

}  // namespace

std::expected<config::Loaded, std::vector<config::Problem>> load_settings(
    std::optional<std::filesystem::path> const& file, config::Overrides const& flags
) {
    auto chosen = file;
    if (char const* named = std::getenv("PLIMSOLL_CONFIG");
        !chosen && named != nullptr && *named != '\0') {
        chosen = named;
    }
    return config::load(chosen, config::environment_overrides(environ), flags);
}

std::filesystem::path key_file_of(config::Config const& config) {
    if (!config.access.key_file.empty()) {
        return config.access.key_file;
    }
    auto const state = config.state_file.empty() ? default_state_file() : config.state_file;
    return state.empty() ? state : state.parent_path() / "keys.toml";
}

std::expected<config::Loaded, std::vector<config::Problem>> load_config(
    std::optional<std::filesystem::path> const& file, config::Overrides const& flags
) {
    auto loaded = load_settings(file, flags);
    if (!loaded) {
        return loaded;
    }
    auto problems = config::take_in_secrets(*loaded, key_file_of(loaded->config));
    if (!problems.empty()) {
        return std::unexpected(std::move(problems));
    }
    return loaded;
}

void Application::reload() {
    supervision_.reloading();
    auto loaded = load_config(options_.config, options_.flags);
    if (!loaded) {
        for (auto const& problem : loaded.error()) {
            kLog.error(to_string(problem));
        }
        kLog.error(
            "Configuration not reloaded: the old one stays in force",
            {{"problems", std::uint64_t{loaded.error().size()}}}
        );
        supervision_.reloaded(loaded.error().size());
        return;
    }
    for (auto const& setting : config::needs_restart(config_, loaded->config)) {
        kLog.warning("Changed, but needs a restart: " + setting);
    }
    apply(std::move(loaded->config));
    kLog.info(
        "Configuration reloaded",
        {{"keys", std::uint64_t{config::policy_of(config_.access).keys.size()}}}
    );
    supervision_.reloaded(0);
}

void Application::apply(config::Config wanted) {
    // What cannot change keeps its running value, so that the next reload names it again.
    wanted.server.address = config_.server.address;
    wanted.server.port = config_.server.port;
    wanted.admin = config_.admin;
    if (wanted.tls.files.is_set() != config_.tls.files.is_set()) {
        wanted.tls = config_.tls;
    }
    wanted.state_file = config_.state_file;
    wanted.record = config_.record;
    wanted.nvml_library = config_.nvml_library;
    wanted.drm_folder = config_.drm_folder;
    auto upstreams = std::move(config_.upstreams);
    for (auto& running : upstreams) {
        auto const same = std::ranges::find_if(wanted.upstreams, [&](auto const& other) {
            return other.upstream.name == running.upstream.name;
        });
        if (same != wanted.upstreams.end()) {
            running.budget = same->budget;
            running.reserve = same->reserve;
            running.engine = same->engine;
        }
    }
    wanted.upstreams = std::move(upstreams);
    config_ = std::move(wanted);

    log::configure(config_.log);
    certificate_.reload(config_.tls);
    listeners_.reconfigure(server_config());
    proxy_->reconfigure(proxy_config());
    chains_->reconfigure(chains_config());
    for (std::size_t i = 0; i < engines_.size(); ++i) {
        engines_[i]->reconfigure(engine_config(config_.upstreams[i]));
    }
}

}  // namespace plimsoll::app
