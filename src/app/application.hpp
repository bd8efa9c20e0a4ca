#pragma once
// The daemon: owns every part, wires them in one function, and knows how to drain and reload them.
// Loop thread only.

#include "app/device.hpp"
#include "app/listeners.hpp"
#include "app/options.hpp"
#include "app/recorder.hpp"
#include "app/server_certificate.hpp"
#include "app/supervision.hpp"

#include <plimsoll/chain/chains.hpp>
#include <plimsoll/control/control.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/metrics/registry.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/proxy/proxy.hpp>
#include <plimsoll/store/store.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <boost/asio/signal_set.hpp>

#include <memory>
#include <string>
#include <vector>

namespace plimsoll::app {

class Application {
  public:
    Application(net::Loop& loop, ServeOptions options, config::Config config);
    ~Application();
    Application(Application const&) = delete;
    Application& operator=(Application const&) = delete;

    // Builds all parts and listens. Errors: Invalid (an upstream that no provider takes), Io
    // (address in use, ...).
    Result<void> start();
    // For people and for scripts that wait for it: where it listens, in front of what, with which
    // budget.
    [[nodiscard]] std::string listening_line() const;

    // Stops listening at once, lets running answers finish within drain_timeout, refuses what
    // waits, hands idle models back. The loop runs dry afterwards.
    net::Task<void> drain();
    // Reads the configuration again. A bad one is named in the log and changes nothing.
    void reload();

  private:
    void open_store();
    Result<void> start_recording();
    Result<void> add_upstreams();
    // At what the configuration says, or where sockets were passed to us, at those.
    Result<void> listen();
    Result<void> listen_at(ListenerRole role, net::ServerConfig config);
    void wait_for_signal();
    void on_signal(int number);
    // Fills what depends on this machine: budget in bytes, names it answers to.
    engine::EngineConfig engine_config(config::UpstreamSettings const& settings) const;
    [[nodiscard]] net::ServerConfig server_config();
    [[nodiscard]] proxy::ProxyConfig proxy_config() const;
    [[nodiscard]] chain::ChainsConfig chains_config() const;
    void make_chains(std::vector<engine::Engine*> engines);
    // Takes over what can change at run time; the rest keeps its running value.
    void apply(config::Config wanted);

    net::Loop& loop_;
    metrics::Registry metrics_;
    LocalDevice device_;
    ServeOptions options_;
    config::Config config_;
    std::unique_ptr<store::Store> store_;
    std::shared_ptr<Recorder> recorder_;  // null: nothing is recorded
    // In the order of config_.upstreams; an engine refers to its provider.
    std::vector<std::unique_ptr<upstream::Provider>> providers_;
    std::vector<std::unique_ptr<engine::Engine>> engines_;
    std::unique_ptr<chain::Chains> chains_;
    std::unique_ptr<control::Control> control_;
    std::unique_ptr<proxy::Proxy> proxy_;
    ServerCertificate certificate_;
    Listeners listeners_;
    Supervision supervision_;
    boost::asio::signal_set signals_;
    bool draining_ = false;
};

// File, environment and flags together; --config wins over $PLIMSOLL_CONFIG. Without what lies in
// files of its own.
std::expected<config::Loaded, std::vector<config::Problem>> load_settings(
    std::optional<std::filesystem::path> const& file, config::Overrides const& flags
);
// Where `plimsoll key` keeps keys; empty: there is no place.
std::filesystem::path key_file_of(config::Config const& config);
// The same with keys and credentials, and with what the daemon would not start with.
std::expected<config::Loaded, std::vector<config::Problem>> load_config(
    std::optional<std::filesystem::path> const& file, config::Overrides const& flags
);

}  // namespace plimsoll::app
