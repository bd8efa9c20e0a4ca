#pragma once
// The whole front half on loopback: server, proxy, control, engine and the real Ollama provider, in
// front of an Ollama that the test scripts. One loop on the manual clock; time runs in small steps
// while a test waits for something.

#include <plimsoll/chain/chains.hpp>
#include <plimsoll/control/control.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/metrics/registry.hpp>
#include <plimsoll/proxy/proxy.hpp>

#include "net_fixture.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace plimsoll::test {

// What reached the scripted Ollama.
struct Seen {
    std::string line;  // "POST /api/generate"
    std::string body;
    http::Fields fields;
};

class ScriptedOllama {
  public:
    explicit ScriptedOllama(net::Loop& loop);

    struct Model {
        std::string weights = std::string(64, 'a');
        std::vector<std::string> capabilities = {"completion"};
        bool is_remote = false;
    };

    std::map<std::string, Model> models;
    std::vector<std::string> loaded;
    std::vector<Seen> seen;  // without ps, tags, version and show
    Duration load_time = std::chrono::milliseconds(50);
    bool ignores_unload = false;
    std::size_t most_loaded = 0;  // at a time
    // Inference and whatever else is not answered by itself. Default:
    // {"response":"hello","done":true}.
    net::Handler on_inference;

    [[nodiscard]] std::size_t count(std::string_view line) const;
    // The last request of that line.
    [[nodiscard]] Seen const& last(std::string_view line) const;

    net::Loop& loop;
    std::unique_ptr<net::Server> server;

  private:
    net::Task<void> handle(net::Exchange& exchange);
    net::Task<void> generate(net::Exchange& exchange, std::string body);
    [[nodiscard]] std::string rows() const;
    [[nodiscard]] http::Reply show(std::string const& body) const;
};

struct ProxyFixture {
    explicit ProxyFixture(
        engine::EngineConfig config = {},
        proxy::ProxyConfig proxy_config = {},
        chain::ChainsConfig chains_config = {}
    );
    ~ProxyFixture();

    // Ends everything; of a fixture made of this one before its own members go.
    void shut_down();
    // Steps loop and clock until `done`; false when it never came.
    bool pump(std::function<bool()> const& done);
    // Lets everything that is under way happen.
    void settle();
    // One request on a connection of its own; the whole answer, once it is complete.
    std::string ask(std::string const& request);
    std::string post(
        std::string const& path, std::string const& body, std::string const& fields = {}
    );
    std::string get(std::string const& path, std::string const& fields = {});

    std::unique_ptr<Raw> connect() const { return Raw::connect(server->port()); }

    net::Loop loop{net::ClockMode::Manual};
    ScriptedOllama ollama{loop};
    store::Store store = store::Store::in_memory();
    metrics::Registry metrics;
    std::unique_ptr<upstream::Provider> provider;
    std::unique_ptr<engine::Engine> engine;
    std::unique_ptr<chain::Chains> chains;
    std::unique_ptr<control::Control> control;
    std::unique_ptr<proxy::Proxy> proxy;
    std::unique_ptr<net::Server> server;
    bool draining = false;
};

// A complete POST, closed after its answer.
std::string post_text(
    std::string const& path, std::string const& body, std::string const& fields = {}
);
// The answer's parts.
unsigned status_of(std::string const& answer);
std::string body_of(std::string const& answer);
std::string field_of(std::string const& answer, std::string const& name);

}  // namespace plimsoll::test
