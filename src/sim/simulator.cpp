#include "sim/router.hpp"
#include "sim/world.hpp"

#include <plimsoll/log/log.hpp>
#include <plimsoll/net/server.hpp>
#include <plimsoll/sim/simulator.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::sim {

namespace {

constexpr log::Logger kLog("sim");

net::ServerConfig server_config(SimConfig const& config) {
    net::ServerConfig out;
    out.address = config.address;
    out.port = config.port;
    return out;
}

class HttpSimulator final : public Simulator {
  public:
    HttpSimulator(net::Loop& loop, SimConfig const& config, std::vector<ModelPtr> models)
        : world_(std::make_shared<World>(loop, config, std::move(models))),
          // The handler keeps the world: an exchange may outlive this object by a turn of the loop.
          server_(loop, server_config(config), [world = world_](net::Exchange& exchange) {
              return handle(world, exchange);
          }) {}

    ~HttpSimulator() override { close(); }

    HttpSimulator(HttpSimulator const&) = delete;
    HttpSimulator& operator=(HttpSimulator const&) = delete;

    Result<void> listen() override {
        auto const done = server_.listen();
        if (done) {
            auto const& config = world_->config;
            kLog.info(
                fmt::format("Simulating an Ollama on {}:{}", config.address, server_.port()),
                {{"vram", format_mib(config.vram)},
                 {"models", std::uint64_t{world_->store.list().size()}}}
            );
        }
        return done;
    }

    [[nodiscard]] std::uint16_t port() const override { return server_.port(); }

    void close() override {
        world_->cut_sessions();
        server_.close();
    }

  private:
    std::shared_ptr<World> world_;
    net::Server server_;
};

}  // namespace

Result<std::unique_ptr<Simulator>> Simulator::make(net::Loop& loop, SimConfig config) {
    auto models = load_catalogue(config.models);
    if (!models) {
        return fail(std::move(models.error()));
    }
    if (config.time_scale <= 0 || config.tokens_per_second <= 0 || config.load_bandwidth <= 0) {
        return fail(
            Errc::Invalid,
            fmt::format(
                "time scale {}, tokens per second {} and load bandwidth {} must all be above zero",
                config.time_scale,
                config.tokens_per_second,
                config.load_bandwidth
            )
        );
    }
    if (config.kv_type != "f16" && config.kv_type != "q8_0" && config.kv_type != "q4_0" &&
        config.kv_type != "f32") {
        return fail(
            Errc::Invalid,
            "KV type \"" + config.kv_type + "\" is unknown; use f16, q8_0, q4_0 or f32"
        );
    }
    return std::make_unique<HttpSimulator>(loop, config, std::move(*models));
}

}  // namespace plimsoll::sim
