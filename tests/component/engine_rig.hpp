#pragma once
// An engine over a scripted provider on the manual clock.

#include "support/catch.hpp"
#include "support/fake_provider.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/engine/engine.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

namespace plimsoll::test {

using namespace std::chrono_literals;

// One client: its request, and what became of it.
struct Ask {
    net::Canceller canceller;
    std::optional<std::expected<engine::Lease, engine::Refused>> result;

    [[nodiscard]] bool has_lease() const { return result && result->has_value(); }

    [[nodiscard]] engine::Refused const& refused() const {
        REQUIRE(result);
        REQUIRE_FALSE(result->has_value());
        return result->error();
    }

    void end(core::TicketOutcome outcome = core::TicketOutcome::Done) {
        REQUIRE(has_lease());
        (*result)->end(outcome);
    }
};

inline std::string key(std::string const& model) {
    return ModelName::parse(model)->key();
}

struct Rig {
    explicit Rig(Bytes budget = gibibytes(10)) : store(store::Store::in_memory()) {
        config.scheduler.budget = budget;
        config.scheduler.device_total = gibibytes(100);
        config.scheduler.parallel = 4;
        config.default_num_ctx_is_known = true;
    }

    ~Rig() {
        asks.clear();
        engine.reset();
        loop.poll();
    }

    // A stored model whose charge is exactly `charge`.
    void add(std::string const& name, std::string const& weights, Bytes charge) {
        provider.add(name, weights, charge);
        config.models[key(name)].vram = charge;
        provider.sizes[name] = charge;
    }

    void create() {
        engine.emplace(loop, provider, store, config);
        engine->start();
    }

    void start() {
        create();
        until([this] { return engine->is_ready(); });
        loop.poll();
    }

    // What runs on the worker thread is not under the clock; everything else happens in poll().
    void until(std::function<bool()> const& condition) {
        for (int i = 0; i < 200'000 && !condition(); ++i) {
            loop.poll();
            std::this_thread::yield();
        }
        REQUIRE(condition());
    }

    std::shared_ptr<Ask> ask(engine::AcquireRequest request) {
        auto one = std::make_shared<Ask>();
        asks.push_back(one);
        loop.spawn("client", wait_for(one, *engine, std::move(request)));
        loop.poll();
        return one;
    }

    std::shared_ptr<Ask> ask(std::string const& model, std::string const& client = "c") {
        engine::AcquireRequest request;
        request.model = model;
        request.client = client;
        return ask(std::move(request));
    }

    // In memory and idle.
    void load(std::string const& model) {
        auto const one = ask(model);
        loop.advance(provider.load_time + 1s);
        one->end();
        loop.poll();
    }

    // Starts something that ends later; the value is there when it has ended.
    template <class T>
    std::shared_ptr<std::optional<T>> go(net::Task<T> task) {
        auto result = std::make_shared<std::optional<T>>();
        loop.spawn("test", keep(std::move(task), result));
        loop.poll();
        return result;
    }

    // While the engine runs its store belongs to the loop's worker; reading it here as well would
    // be two threads at a time.
    template <class Read>
    auto from_store(Read read) {
        std::optional<decltype(read(store))> out;
        bool is_done = false;
        loop.run_blocking([&] { out.emplace(read(store)); }, [&] { is_done = true; });
        until([&] { return is_done; });
        return std::move(*out);
    }

    [[nodiscard]] std::optional<core::InstanceView> view(std::string const& weights) const {
        for (auto const& one : engine->snapshot().instances) {
            if (one.weights == weights) {
                return one;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] std::size_t events(std::string const& kind) const {
        auto const all = engine->recent_events(0);
        return static_cast<std::size_t>(std::ranges::count(all, kind, &engine::EngineEvent::kind));
    }

    store::Store store;  // outlives the loop, whose worker writes to it
    net::Loop loop{net::ClockMode::Manual};
    FakeProvider provider{loop};
    engine::EngineConfig config;
    std::optional<engine::Engine> engine;
    std::vector<std::shared_ptr<Ask>> asks;
    net::Canceller never;

  private:
    static net::Task<void> wait_for(
        std::shared_ptr<Ask> ask, engine::Engine& engine, engine::AcquireRequest request
    ) {
        auto result = co_await engine.acquire(std::move(request), ask->canceller);
        ask->result.emplace(std::move(result));
    }

    template <class T>
    static net::Task<void> keep(net::Task<T> task, std::shared_ptr<std::optional<T>> result) {
        result->emplace(co_await std::move(task));
    }
};

}  // namespace plimsoll::test
