#include "app/application.hpp"

#include "app/cli.hpp"
#include "app/inherited.hpp"
#include "app/process.hpp"
#include "app/process_metrics.hpp"
#include "app/standing.hpp"

#include <plimsoll/engine/meter.hpp>
#include <plimsoll/http/reply.hpp>
#include <plimsoll/log/log.hpp>

#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <system_error>

namespace plimsoll::app {
namespace {

constexpr log::Logger kLog("app");

constexpr Duration kDrainPoll = std::chrono::milliseconds(20);
constexpr Duration kCloseGrace = std::chrono::seconds(1);
// After the drain: runs of chains end, and idle models are handed back.
constexpr Duration kEndGrace = std::chrono::seconds(30);

}  // namespace

Application::Application(net::Loop& loop, ServeOptions options, config::Config config)
    : loop_(loop),
      options_(std::move(options)),
      config_(std::move(config)),
      certificate_(loop, [this] { listeners_.reconfigure(server_config()); }),
      listeners_(loop),
      supervision_(
          loop,
          NotifySocket::from_environment(),
          watchdog_from_environment(),
          [this] {
              auto const upstreams = standing_of(engines_);
              return Standing{is_settled(upstreams), status_line(upstreams)};
          }
      ),
      signals_(loop.context()) {}

Application::~Application() = default;

Result<void> Application::start() {
    open_store();
    if (config_.enabled) {
        device_ = find_device(config_);
    }
    auto added = add_upstreams();
    if (!added) {
        return added;
    }
    std::vector<engine::Engine*> engines;
    for (auto const& engine : engines_) {
        engines.push_back(engine.get());
    }
    make_chains(engines);
    control_ = std::make_unique<control::Control>(control::ControlContext{
        engines,
        std::string(version()),
        [this] { return draining_; },
        [] { return control::ProcessUse{resident_memory(), open_files()}; },
        chains_.get(),
        &metrics_
    });
    // Nothing is accepted before the loop runs; the proxy wants to know who can reach it.
    auto listening = listen();
    if (!listening) {
        return listening;
    }
    proxy_ = std::make_unique<proxy::Proxy>(
        engines,
        proxy_config(),
        proxy::OwnPaths{
            [this](net::Exchange& exchange) { return control_->handle(exchange); },
            &control::Control::need_of
        }
    );
    proxy_->use(&chains_->models());
    proxy_->count_into(metrics_, control::Control::paths());
    tell_process(metrics_, loop_, [this] { return listeners_.connections(); });
    auto recording = start_recording();
    if (!recording) {
        return recording;
    }
    for (auto const& engine : engines_) {
        engine->observe(engine::make_meter(metrics_, *engine));
        engine->start();
    }
    chains_->start();
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.add(SIGHUP);
    wait_for_signal();
    supervision_.start();
    return {};
}

void Application::make_chains(std::vector<engine::Engine*> engines) {
    chain::Surroundings surroundings{
        .loop = loop_,
        .engines = std::move(engines),
        .store = *store_,
        .ask = [this](
                   net::Exchange& exchange, engine::Engine& engine
               ) { return proxy_->handle_own(exchange, engine); },
        .read_toml = [](std::string_view text
                     ) -> std::expected<boost::json::value, chain::TextProblem> {
            auto read = config::toml_to_json(text);
            if (!read) {
                return std::unexpected(chain::TextProblem{read.error().line, read.error().text});
            }
            return std::move(*read);
        },
        .metrics = &metrics_,
    };
    chains_ = std::make_unique<chain::Chains>(std::move(surroundings), chains_config());
}

chain::ChainsConfig Application::chains_config() const {
    auto out = config_.chains;
    if (out.directory.empty()) {
        auto const state = config_.state_file.empty() ? default_state_file() : config_.state_file;
        out.directory = state.empty() ? state : state.parent_path() / "chains";
    }
    return out;
}

void Application::open_store() {
    auto const file = config_.state_file.empty() ? default_state_file() : config_.state_file;
    std::string warning;
    if (file.empty()) {
        warning = "no place for a state file; set state_file";
    } else {
        std::error_code ignored;  // open() says what is wrong with the place
        std::filesystem::create_directories(file.parent_path(), ignored);
        auto opened = store::Store::open(file, warning);
        if (opened) {
            store_ = std::make_unique<store::Store>(std::move(*opened));
        } else {
            warning = opened.error().message;
        }
    }
    if (!store_) {
        store_ = std::make_unique<store::Store>(store::Store::in_memory());
        warning += "; going on without: measured sizes are lost when Plimsoll ends";
    }
    if (!warning.empty()) {
        kLog.warning("State file: " + warning);
    }
}

Result<void> Application::add_upstreams() {
    upstream::Registry registry;
    upstream::register_builtin(registry);
    for (auto const& settings : config_.upstreams) {
        auto provider = registry.make(loop_, settings.upstream);
        if (!provider) {
            return fail(std::move(provider).error().context("upstream " + settings.upstream.name));
        }
        engines_.push_back(
            std::make_unique<engine::Engine>(loop_, **provider, *store_, engine_config(settings))
        );
        if (device_.probe && is_local(settings.upstream)) {
            engines_.back()->use_device(device_.probe, device_.id(), device_.names());
        }
        providers_.push_back(std::move(*provider));
    }
    return {};
}

Result<void> Application::start_recording() {
    if (config_.record.empty()) {
        return {};
    }
    std::vector<trace::Pool> pools;
    for (std::size_t i = 0; i < engines_.size(); ++i) {
        pools.push_back({config_.upstreams[i].upstream.name, engines_[i]->config().scheduler});
    }
    auto opened = Recorder::open(loop_, config_.record, std::move(pools));
    if (!opened) {
        return fail(std::move(opened).error());
    }
    recorder_ = std::move(*opened);
    for (std::size_t i = 0; i < engines_.size(); ++i) {
        engines_[i]->observe(recorder_->observer(i));
    }
    return {};
}

Result<void> Application::listen() {
    auto loaded = certificate_.load(config_.tls);
    if (!loaded) {
        return loaded;
    }
    auto const inherited = take_inherited_sockets(::getpid());
    if (!inherited) {
        return fail(inherited.error());
    }
    bool has_public = false;
    bool has_admin = false;
    for (auto const& socket : *inherited) {
        if (auto const wrong = config::why_not_to_listen(config_, socket.address)) {
            return fail(Errc::Invalid, "the inherited socket " + *wrong);
        }
        auto config = server_config();
        config.address = socket.address;
        config.port = socket.port;
        config.inherited = socket.fd;
        auto const role = socket.is_admin ? ListenerRole::Admin : ListenerRole::Public;
        auto listening = listen_at(role, std::move(config));
        if (!listening) {
            return listening;
        }
        (socket.is_admin ? has_admin : has_public) = true;
    }
    if (!has_public) {
        auto listening = listen_at(ListenerRole::Public, server_config());
        if (!listening) {
            return listening;
        }
    }
    if (!has_admin && !config_.admin.address.empty()) {
        auto config = server_config();
        config.address = config_.admin.address;
        config.port = config_.admin.port;
        return listen_at(ListenerRole::Admin, std::move(config));
    }
    return {};
}

Result<void> Application::listen_at(ListenerRole role, net::ServerConfig config) {
    auto const door = role == ListenerRole::Admin ? access::Door::Admin : access::Door::Public;
    return listeners_.add(role, std::move(config), [this, door](net::Exchange& exchange) {
        return proxy_->handle(exchange, door);
    });
}

engine::EngineConfig Application::engine_config(config::UpstreamSettings const& settings) const {
    auto out = settings.engine;
    std::string warning;
    auto const cards = is_local(settings.upstream) ? device_.totals() : std::vector<Bytes>{};
    auto limits =
        config::resolve_budget(settings.budget, settings.reserve, cards, host_memory(), warning);
    out.scheduler.budget = limits.budget;
    out.scheduler.cards = std::move(limits.cards);
    out.scheduler.device_total = limits.device_total;
    out.enabled = config_.enabled;
    if (!warning.empty() && config_.enabled) {
        kLog.warning(warning, {{"upstream", settings.upstream.name}});
    }
    return out;
}

net::ServerConfig Application::server_config() {
    auto out = config_.server;
    out.tls = certificate_.context();
    out.refuse = [&registry = metrics_](http::Refusal const& refusal) {
        count_malformed(registry, refusal.status);
        return http::error_reply(http::Dialect::Ollama, refusal.status, refusal.message);
    };
    return out;
}

proxy::ProxyConfig Application::proxy_config() const {
    auto out = config_.proxy;
    // A listener that other machines reach is called by names that we cannot know; Ollama checks
    // none there either.
    out.origins.check_host = out.origins.check_host && listeners_.are_local();
    out.access = config::policy_of(config_.access);
    out.has_admin_door = !listeners_.addresses(ListenerRole::Admin).empty();
    if (out.origins.machine_name.empty()) {
        out.origins.machine_name = machine_name();
    }
    return out;
}

std::string Application::listening_line() const {
    auto const at = [this](ListenerRole role) {
        return fmt::format("{}", fmt::join(listeners_.addresses(role), ", "));
    };
    std::string text = "Plimsoll listens on " + at(ListenerRole::Public);
    if (auto const admin = at(ListenerRole::Admin); !admin.empty()) {
        text += ", for administration on " + admin + ",";
    }
    text += " in front of ";
    for (std::size_t i = 0; i < engines_.size(); ++i) {
        text += (i == 0 ? "" : ", ") + config_.upstreams[i].upstream.url;
        text += config_.enabled
                    ? " (budget " + format_bytes(engines_[i]->config().scheduler.budget) + ")"
                    : " (plain pass-through: management is off)";
    }
    return text;
}

void Application::wait_for_signal() {
    signals_.async_wait([this](boost::system::error_code const& error, int number) {
        if (!error) {
            wait_for_signal();  // first: a drain may end at once, and then takes this wait away
            on_signal(number);
        }
    });
}

void Application::on_signal(int number) {
    if (number == SIGHUP) {
        reload();
        return;
    }
    if (draining_) {
        // Whatever hangs, a second signal ends: state is on disk, and the upstream keeps its own
        // keep-alive times.
        kLog.warning(
            "Ended at once by a second signal",
            {{"connections", std::uint64_t{listeners_.connections()}}}
        );
        std::_Exit(128 + number);
    }
    draining_ = true;
    loop_.spawn("drain", drain());
}

net::Task<void> Application::drain() {
    kLog.info(
        "Draining: no new requests, running answers finish",
        {{"connections", std::uint64_t{listeners_.connections()}},
         {"limit", std::string_view(format_duration(config_.drain_timeout))}}
    );
    supervision_.stopping(listeners_.connections(), config_.drain_timeout + kEndGrace);
    listeners_.drain();
    chains_->drain();
    for (auto const& engine : engines_) {
        engine->drain();
    }
    auto const until = loop_.now() + config_.drain_timeout;
    while (listeners_.connections() > 0 && loop_.now() < until) {
        co_await net::sleep_until(loop_, std::min(until, loop_.now() + kDrainPoll));
    }
    if (auto const left = listeners_.connections(); left > 0) {
        kLog.warning(
            "Drain limit reached: connections are cut; server.drain_timeout sets the limit",
            {{"connections", std::uint64_t{left}}}
        );
        listeners_.close();
        // The cut requests give their leases back as their coroutines end.
        auto const closed_by = loop_.now() + kCloseGrace;
        while (listeners_.connections() > 0 && loop_.now() < closed_by) {
            co_await net::sleep_until(loop_, loop_.now() + kDrainPoll);
        }
    }
    listeners_.close();
    co_await chains_->stop();
    for (auto const& engine : engines_) {
        co_await engine->stop();
    }
    if (recorder_) {
        recorder_->finish();
    }
    for (auto const& provider : providers_) {
        provider->client().drop_idle();
    }
    signals_.cancel();
    kLog.info("Ended");
}

}  // namespace plimsoll::app
