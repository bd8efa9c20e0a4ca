#include "engine/impl.hpp"

#include <plimsoll/engine/engine.hpp>

#include <utility>

namespace plimsoll::engine {

Lease::~Lease() {
    end(core::TicketOutcome::ClientGone);
}

Lease::Lease(Lease&& other) noexcept
    : instance(other.instance),
      form(other.form),
      settings(other.settings),
      waited(other.waited),
      position(other.position),
      free_of_charge(other.free_of_charge),
      engine_(std::exchange(other.engine_, nullptr)),
      ticket_(other.ticket_) {}

Lease& Lease::operator=(Lease&& other) noexcept {
    if (this != &other) {
        end(core::TicketOutcome::ClientGone);
        instance = other.instance;
        form = other.form;
        settings = other.settings;
        waited = other.waited;
        position = other.position;
        free_of_charge = other.free_of_charge;
        engine_ = std::exchange(other.engine_, nullptr);
        ticket_ = other.ticket_;
    }
    return *this;
}

void Lease::end(core::TicketOutcome outcome) {
    auto* const engine = std::exchange(engine_, nullptr);
    if (engine != nullptr && !free_of_charge) {
        engine->impl_->end_ticket(ticket_, outcome);
    }
}

Engine::Impl::Impl(Engine& e, net::Loop& l, upstream::Provider& p, store::Store& s, EngineConfig c)
    : engine(e),
      loop(l),
      provider(p),
      config(std::move(c)),
      scheduler(config.scheduler),
      facts(std::make_shared<Facts>(l, p, config.info_ttl)),
      measurements(l, s, p.config().name),
      calibration(measurements, p.config().name),
      events(p.config().name),
      wakeup(l),
      poll_flag(l),
      health_flag(l) {
    last_health.text = "not asked yet";
}

Engine::Engine(
    net::Loop& loop, upstream::Provider& provider, store::Store& store, EngineConfig config
)
    : impl_(std::make_shared<Impl>(*this, loop, provider, store, std::move(config))) {}

Engine::~Engine() {
    impl_->is_draining = true;
    impl_->stopping.cancel();
    impl_->wakeup.cancel();
    impl_->cancel_loads();
    impl_->observers.clear();  // they may look at this engine
}

void Engine::observe(std::shared_ptr<StepObserver> observer) {
    impl_->observers.push_back(std::move(observer));
}

void Engine::use_device(
    std::shared_ptr<probe::MemoryProbe> probe, std::string id, std::vector<std::string> card_names
) {
    impl_->device_probe = std::move(probe);
    impl_->card_names = std::move(card_names);
    impl_->calibration.set_device(std::move(id));
}

std::vector<std::string> const& Engine::card_names() const {
    return impl_->card_names;
}

void Engine::start() {
    // Until it was asked, an upstream counts as down: requests queue, nothing is loaded.
    impl_->step(core::UpstreamDown{.text = impl_->last_health.text});
    impl_->loop.spawn("engine", impl_->start_up(impl_));
}

void Engine::drain() {
    impl_->drain();
}

net::Task<void> Engine::stop() {
    return impl_->stop();
}

net::Task<std::expected<Lease, Refused>> Engine::acquire(
    AcquireRequest request, net::Canceller& canceller
) {
    return impl_->acquire(std::move(request), canceller);
}

net::Task<Result<void>> Engine::wish(AcquireRequest request) {
    return impl_->wish(std::move(request));
}

net::Task<Result<std::shared_ptr<upstream::ModelInfo const>>> Engine::resolve(std::string model) {
    auto const keep = impl_;
    auto const fact = co_await keep->facts->resolve(std::move(model), nullptr);
    if (!fact) {
        keep->note_failure(fact.error());
        co_return fail(fact.error());
    }
    co_return (*fact)->info;
}

void Engine::forget(std::optional<std::string> model) {
    impl_->facts->forget(model);
}

net::Task<Result<void>> Engine::unload_and_wait(std::string model, net::Canceller& canceller) {
    return impl_->unload_and_wait(std::move(model), canceller);
}

net::Task<Result<core::InstanceView>> Engine::load(
    AcquireRequest request, net::Canceller& canceller
) {
    return impl_->load(std::move(request), canceller);
}

net::Task<Result<void>> Engine::unload(std::string model, net::Canceller& canceller) {
    return impl_->unload(std::move(model), canceller);
}

net::Task<Result<core::InstanceView>> Engine::pin(
    AcquireRequest request, std::optional<Duration> for_how_long, net::Canceller& canceller
) {
    return impl_->pin(std::move(request), for_how_long, canceller);
}

net::Task<Result<void>> Engine::unpin(std::string model) {
    return impl_->unpin(std::move(model));
}

net::Task<Engine::CleanupReport> Engine::cleanup(net::Canceller& canceller) {
    return impl_->cleanup(canceller);
}

core::Snapshot Engine::snapshot() const {
    return impl_->scheduler.snapshot(impl_->loop.now());
}

core::Forecast Engine::forecast() const {
    return impl_->scheduler.forecast(impl_->loop.now(), std::nullopt, core::ForecastLimits{});
}

net::Task<Result<EstimateAnswer>> Engine::estimate(EstimateRequest request) {
    return impl_->estimate(std::move(request));
}

net::Task<Result<Engine::Plan>> Engine::plan(AcquireRequest request) {
    return impl_->plan(std::move(request));
}

EngineConfig const& Engine::config() const {
    return impl_->config;
}

upstream::Provider& Engine::provider() {
    return impl_->provider;
}

upstream::Health Engine::health() const {
    return impl_->last_health;
}

bool Engine::is_ready() const {
    return impl_->is_up && impl_->is_adopted;
}

net::Task<Result<std::string>> Engine::ps_answer() {
    return impl_->ps_answer();
}

void Engine::reconfigure(EngineConfig config) {
    impl_->reconfigure(std::move(config));
}

void Engine::suspect_upstream(std::string why) {
    kLog.debug(
        "reading the upstream's list: " + why, {{"upstream", impl_->provider.config().name}}
    );
    impl_->request_poll();
    impl_->kick_health();
}

std::shared_ptr<void> Engine::subscribe(Listener listener) {
    return impl_->events.subscribe(std::move(listener));
}

std::vector<EngineEvent> Engine::recent_events(std::uint64_t after_sequence) const {
    return impl_->events.after(after_sequence);
}

}  // namespace plimsoll::engine
