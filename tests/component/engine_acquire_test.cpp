#include "component/engine_rig.hpp"

namespace plimsoll::test {
namespace {

TEST_CASE(
    "engine: a cold request is loaded for, and says how it must be sent", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    engine::AcquireRequest request;
    request.model = "A:1";
    request.num_ctx = 8192;
    auto const one = rig.ask(request);
    CHECK_FALSE(one->result);
    rig.loop.advance(2s);
    REQUIRE(one->has_lease());
    CHECK((*one->result)->form == core::Form::Pinned);
    CHECK((*one->result)->settings.num_ctx == 8192);
    CHECK((*one->result)->waited == 2s);
    REQUIRE(rig.provider.loads.size() == 1);
    auto const& sent = rig.provider.loads.front();
    CHECK(sent.model == "a:1");
    // The batch is named, so that the upstream does not choose one by what it believes is free.
    CHECK(sent.settings.num_batch == 1024);
    CHECK(sent.keep_alive == 24h);
    CHECK(rig.view("wa")->charge == gibibytes(4));
}

TEST_CASE(
    "engine: settings under which a model would not load are refused with the way out",
    "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    auto& geometry = rig.provider.models["a:1"].geometry;
    geometry.kv_heads = {8};
    geometry.key_length = 192;
    geometry.value_length = 128;
    geometry.has_flash_kernel = false;
    rig.config.kv_type = memory::KvType::Q8_0;
    auto const with_bytes = rig.config;
    rig.config.models.clear();
    rig.config.models[key("a:1")].pin = true;
    rig.start();
    auto const one = rig.ask("a:1");
    CHECK(one->refused().kind == core::RefuseKind::LoadFailed);
    CHECK(one->refused().error.code == Errc::LoadFailed);
    CHECK_THAT(one->refused().error.message, ContainsSubstring("would run on the CPU"));
    CHECK_THAT(one->refused().error.message, ContainsSubstring("[models.\"a:1\"] vram"));
    engine::AcquireRequest request;
    request.model = "a:1";
    auto const plan = rig.go(rig.engine->plan(request));
    REQUIRE(plan->has_value());
    CHECK_FALSE((*plan)->has_value());
    CHECK(rig.provider.loads.empty());
    CHECK(rig.engine->snapshot().pins.empty());
    // Who gives the bytes takes it upon himself; and other settings load.
    auto const is_loaded_under = [&](engine::EngineConfig config) {
        rig.engine->reconfigure(std::move(config));
        auto const again = rig.ask("a:1");
        rig.loop.advance(5s);
        bool const has = again->has_lease();
        if (has) {
            again->end();
        }
        return has;
    };
    CHECK(is_loaded_under(with_bytes));
    rig.config.kv_type = memory::KvType::F16;
    CHECK(is_loaded_under(rig.config));
}

TEST_CASE("engine: an estimate names what was measured of these settings", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    auto const measured = [&](std::optional<std::int64_t> num_ctx) {
        engine::EstimateRequest request;
        request.model = "a:1";
        request.num_ctx = num_ctx;
        auto const answer = rig.go(rig.engine->estimate(request));
        REQUIRE(answer->has_value());
        REQUIRE((*answer)->has_value());
        CHECK((**answer)->budget == gibibytes(10));
        return (**answer)->measured;
    };
    CHECK(measured({}) == Bytes());
    rig.load("a:1");
    rig.loop.advance(10s);
    CHECK(measured({}) == gibibytes(4));
    CHECK(measured(8192) == Bytes());
}

TEST_CASE("engine: the list is read before a load is sent", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.provider.calls.clear();
    rig.ask("a:1");
    auto const& calls = rig.provider.calls;
    auto const ps = std::ranges::find(calls, "ps");
    auto const load = std::ranges::find(calls, "load a:1");
    REQUIRE(load != calls.end());
    CHECK(ps < load);
}

TEST_CASE(
    "engine: 100 identical cold requests are one load and one question", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.config.scheduler.parallel = 100;
    rig.provider.show_time = 10ms;
    rig.start();
    for (int i = 0; i < 100; ++i) {
        rig.ask("a:1", "client " + std::to_string(i % 7));
    }
    rig.loop.advance(5s);
    CHECK(std::ranges::all_of(rig.asks, [](auto const& one) { return one->has_lease(); }));
    CHECK(rig.provider.count("load a:1") == 1);
    CHECK(rig.provider.count("show a:1") == 1);
}

TEST_CASE(
    "engine: a request for a resident model asks the upstream nothing", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.load("a:1");
    auto const before = rig.provider.calls.size();
    auto const one = rig.ask("a:1");
    CHECK(one->has_lease());
    CHECK((*one->result)->waited == 0s);
    CHECK(rig.provider.calls.size() == before);
}

TEST_CASE(
    "engine: a /v1 request gets a bare instance, a native one may share it", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    engine::AcquireRequest request;
    request.model = "a:1";
    request.is_native = false;
    request.num_ctx = 99999;  // a /v1 body's own num_ctx means nothing
    auto const one = rig.ask(request);
    rig.loop.advance(3s);
    REQUIRE(one->has_lease());
    CHECK((*one->result)->form == core::Form::Bare);
    CHECK(rig.provider.loads.front().form == core::Form::Bare);
    CHECK(rig.view("wa")->settings.num_ctx == 4096);
    auto const native = rig.ask("a:1");
    REQUIRE(native->has_lease());
    CHECK((*native->result)->form == core::Form::Bare);
    CHECK(rig.provider.loads.size() == 1);
}

TEST_CASE("engine: two names of one weights file share an instance", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.add("b:1", "wa", gibibytes(4));
    rig.start();
    rig.load("a:1");
    auto const other = rig.ask("b:1");
    CHECK(other->has_lease());
    CHECK(rig.provider.count("load b:1") == 0);
}

TEST_CASE(
    "engine: another name's default context is said outright on a bare instance",
    "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.add("narrow:1", "wa", gibibytes(4));
    rig.provider.models["narrow:1"].num_ctx = 1024;
    rig.start();
    engine::AcquireRequest request;
    request.model = "a:1";
    request.is_native = false;
    auto const bare = rig.ask(request);
    rig.loop.advance(3s);
    bare->end();
    auto const native = rig.ask("narrow:1");
    REQUIRE(native->has_lease());
    // Left out, the Modelfile's 1024 would make the upstream reload.
    CHECK((*native->result)->form == core::Form::Pinned);
    CHECK((*native->result)->settings.num_ctx == 4096);
    CHECK((*native->result)->settings.num_batch == 0);
}

TEST_CASE(
    "engine: a /v1 request whose name has another context gets a load of ours",
    "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.add("wide:1", "wa", gibibytes(4));
    rig.provider.models["wide:1"].num_ctx = 32768;
    rig.start();
    engine::AcquireRequest request;
    request.is_native = false;
    request.model = "a:1";
    auto const first = rig.ask(request);
    rig.loop.advance(3s);
    first->end();
    request.model = "wide:1";
    auto const second = rig.ask(request);
    rig.loop.advance(10s);
    REQUIRE(second->has_lease());
    CHECK((*second->result)->settings.num_ctx == 32768);
    CHECK(rig.provider.count("load wide:1") == 1);
    CHECK(rig.engine->snapshot().counters.violations == 0);
}

TEST_CASE("engine: an unknown model is refused in the upstream's words", "[engine][component]") {
    Rig rig;
    rig.start();
    auto const& refused = rig.ask("nope:1")->refused();
    CHECK(refused.kind == core::RefuseKind::NotFound);
    CHECK(refused.error.code == Errc::NotFound);
    CHECK(refused.error.message == "model 'nope:1' not found");
    CHECK_FALSE(refused.retry_after);
}

TEST_CASE(
    "engine: a model above the budget is refused at once with the numbers", "[engine][component]"
) {
    Rig rig;
    rig.add("big:1", "wb", gibibytes(11));
    rig.start();
    auto const& refused = rig.ask("big:1")->refused();
    CHECK(refused.kind == core::RefuseKind::DoesNotFit);
    CHECK(refused.error.code == Errc::DoesNotFit);
    CHECK_THAT(refused.error.message, ContainsSubstring("11 GiB") && ContainsSubstring("10 GiB"));
    CHECK(rig.provider.loads.empty());
}

TEST_CASE("engine: remote models and switched-off management cost nothing", "[engine][component]") {
    Rig rig;
    rig.provider.add("cloudy:1", "").is_remote = true;
    rig.provider.models["cloudy:1"].is_remote = true;
    rig.add("a:1", "wa", gibibytes(4));
    SECTION("remote") {
        rig.start();
        auto const one = rig.ask("cloudy:1");
        REQUIRE(one->has_lease());
        CHECK((*one->result)->free_of_charge);
    }
    SECTION("off") {
        rig.config.enabled = false;
        rig.provider.put_row("a:1", gibibytes(50));
        rig.start();
        auto const one = rig.ask("whatever");
        REQUIRE(one->has_lease());
        CHECK((*one->result)->free_of_charge);
        rig.loop.advance(10s);
        CHECK(rig.provider.count("unload a:1") == 0);
    }
    CHECK(rig.engine->snapshot().instances.empty());
}

TEST_CASE(
    "engine: a failed load answers its waiters with the upstream's words", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.provider.load_error = upstream::LoadError{
        .failure = core::LoadFailure::Refused, .text = "llama-server process has terminated"
    };
    auto const one = rig.ask("a:1");
    rig.loop.advance(10s);
    CHECK(one->refused().kind == core::RefuseKind::LoadFailed);
    CHECK(one->refused().error.source == ErrorSource::Upstream);
    CHECK_THAT(
        one->refused().error.message, ContainsSubstring("llama-server process has terminated")
    );
    CHECK(rig.events("load_failed") == 1);
}

TEST_CASE("engine: facts that changed are noticed in the background", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.load("a:1");
    rig.provider.models["a:1"].digest = "new";
    rig.provider.models["a:1"].weights = "wnew";
    rig.loop.advance(11s);
    // The first one after the limit is served from what is known, and starts the check.
    CHECK(rig.ask("a:1")->has_lease());
    rig.loop.advance(1s);
    auto const found = rig.go(rig.engine->resolve("a:1"));
    REQUIRE(*found);
    CHECK((***found)->weights == "wnew");
}

TEST_CASE("engine: forgotten names are asked for again", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.go(rig.engine->resolve("a:1"));
    rig.go(rig.engine->resolve("A:1"));
    CHECK(rig.provider.count("show a:1") == 1);
    rig.engine->forget("a:1");
    rig.go(rig.engine->resolve("a:1"));
    CHECK(rig.provider.count("show a:1") == 2);
}

TEST_CASE("engine: the client's options under the policy", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.load("a:1");
    engine::AcquireRequest request;
    request.model = "a:1";
    request.options.num_gpu = 0;  // cut by default: it would move the model to the CPU
    CHECK(rig.ask(request)->has_lease());
    request.options.num_gpu = -1;  // means "not given"
    CHECK(rig.ask(request)->has_lease());
    CHECK(rig.provider.loads.size() == 1);
}

}  // namespace
}  // namespace plimsoll::test
