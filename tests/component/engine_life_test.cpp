#include "component/engine_rig.hpp"
#include <boost/json.hpp>

namespace plimsoll::test {
namespace {

TEST_CASE(
    "engine: an upstream that is down at the start keeps requests waiting", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.provider.is_down = true;
    rig.create();
    rig.until([&] { return rig.provider.count("health") > 0; });
    CHECK_FALSE(rig.engine->is_ready());
    CHECK_FALSE(rig.engine->health().ok);
    auto const one = rig.ask("a:1");
    rig.loop.advance(5s);
    CHECK_FALSE(one->result);
    rig.provider.is_down = false;
    rig.loop.advance(5s);
    CHECK(rig.engine->is_ready());
    CHECK(one->has_lease());
}

TEST_CASE("engine: nobody waits for ever for an upstream that stays down", "[engine][component]") {
    Rig rig;
    rig.provider.is_down = true;
    rig.create();
    rig.until([&] { return rig.provider.count("health") > 0; });
    auto const one = rig.ask("a:1");
    rig.loop.advance(31s);
    CHECK(one->refused().error.code == Errc::UpstreamUnavailable);
    CHECK(one->refused().retry_after);
    CHECK_THAT(
        one->refused().error.message, ContainsSubstring("fake") && ContainsSubstring("refused")
    );
}

TEST_CASE(
    "engine: while it is down the upstream is asked with a back-off below 2 s",
    "[engine][component]"
) {
    Rig rig;
    rig.start();
    rig.provider.is_down = true;
    rig.engine->suspect_upstream("test");
    rig.loop.advance(1s);
    CHECK_FALSE(rig.engine->is_ready());
    rig.provider.calls.clear();
    rig.loop.advance(60s);
    auto const checks = rig.provider.count("health");
    CHECK(checks >= 30);
    CHECK(checks <= 70);
    CHECK(rig.provider.count("ps") == 0);
}

TEST_CASE(
    "engine: while anything is loaded the list is read once a second", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.loop.advance(60s);
    auto const before = rig.provider.count("ps");
    rig.loop.advance(60s);
    CHECK(rig.provider.count("ps") == before);  // nothing is
    rig.load("a:1");
    rig.provider.calls.clear();
    rig.loop.advance(30s);
    CHECK(rig.provider.count("ps") >= 30);
    CHECK(rig.provider.count("ps") <= 35);
}

TEST_CASE(
    "engine: without a list nothing is loaded, and it is asked for again", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.provider.list_error = Error(Errc::UpstreamProtocol, "not JSON", ErrorSource::Upstream);
    auto const one = rig.ask("a:1");
    rig.loop.advance(10s);
    CHECK(rig.provider.loads.empty());
    CHECK(rig.engine->is_ready());  // it answers, only not this
    rig.provider.list_error.reset();
    rig.loop.advance(3s);
    CHECK(one->has_lease());
}

TEST_CASE("engine: a restart clears what was loaded, and requests go on", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(8));
    rig.add("b:1", "wb", gibibytes(8));
    rig.start();
    rig.load("a:1");
    rig.provider.is_down = true;
    rig.loop.advance(3s);
    CHECK_FALSE(rig.engine->is_ready());
    auto const one = rig.ask("b:1");
    rig.provider.rows.clear();
    rig.provider.is_down = false;
    rig.loop.advance(10s);
    CHECK(one->has_lease());
    CHECK(rig.provider.count("unload a:1") == 0);
    auto const view = rig.engine->snapshot();
    CHECK(view.counters.violations == 0);
    CHECK(view.charged == gibibytes(8));
}

TEST_CASE("engine: a pause of the upstream is no restart", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(8));
    rig.start();
    rig.load("a:1");
    rig.provider.is_down = true;
    rig.loop.advance(3s);
    rig.provider.is_down = false;
    rig.loop.advance(5s);
    CHECK(rig.engine->is_ready());
    CHECK(rig.engine->snapshot().charged == gibibytes(8));
    CHECK(rig.ask("a:1")->has_lease());
}

TEST_CASE(
    "engine: after a crash the rows are taken over with form and charge", "[engine][component]"
) {
    Rig rig(gibibytes(90));
    rig.provider.add("a:1", "wa", gibibytes(1));
    rig.provider.add("stranger:1", "ws", gibibytes(1));
    core::RunnerSettings settings;
    settings.num_ctx = 8192;
    settings.num_batch = 2048;
    store::KnownRow row;
    row.upstream = "fake";
    row.weights = "wa";
    row.model = "a:1";
    row.settings = engine::settings_key(core::Form::Pinned, settings);
    row.charge = gibibytes(4);
    REQUIRE(rig.store.save(row));
    rig.provider.put_row("a:1", gibibytes(3), 8192);
    rig.provider.put_row("stranger:1", gibibytes(5), 4096);
    rig.start();
    auto const ours = rig.view("wa");
    REQUIRE(ours);
    CHECK(ours->form == core::Form::Pinned);
    CHECK(ours->settings == settings);
    CHECK(ours->charge >= gibibytes(4));
    CHECK_FALSE(ours->foreign);
    auto const other = rig.view("ws");
    REQUIRE(other);
    CHECK(other->form == core::Form::Unknown);
    CHECK(other->foreign);
    CHECK(other->charge >= gibibytes(5));
    // No reload for what is known.
    engine::AcquireRequest request;
    request.model = "a:1";
    request.num_ctx = 8192;
    CHECK(rig.ask(request)->has_lease());
    CHECK(rig.provider.loads.empty());
}

TEST_CASE("engine: a row that nobody can name is charged all the same", "[engine][component]") {
    Rig rig;
    rig.provider.put_row("ghost:1", gibibytes(5));
    rig.start();
    auto const view = rig.view("digest:digest-of-ghost:1");
    REQUIRE(view);
    CHECK(view->charge >= gibibytes(5));
    rig.provider.calls.clear();
    rig.loop.advance(5s);
    CHECK(rig.provider.count("show ghost:1") <= 1);  // not asked again with each list
}

TEST_CASE(
    "engine: a size above the prediction raises the charge, and is remembered",
    "[engine][component]"
) {
    Rig rig;
    rig.provider.add("a:1", "wa", gibibytes(1));
    rig.provider.sizes["a:1"] = gibibytes(7);
    rig.start();
    rig.load("a:1");
    rig.loop.advance(3s);
    CHECK(rig.view("wa")->charge >= gibibytes(7));
    rig.until([&] {
        auto const all = rig.from_store([](store::Store& store) { return store.measurements(); });
        return all && !all->empty() && all->front().charge == gibibytes(7);
    });
    // The next life books it before it loads.
    auto const done = rig.go(rig.engine->unload("a:1", rig.never));
    rig.loop.advance(1s);
    REQUIRE(*done);
    rig.asks.clear();
    rig.engine.reset();
    rig.loop.poll();
    rig.start();
    rig.ask("a:1");
    CHECK(rig.view("wa")->charge >= gibibytes(7));
    CHECK(rig.view("wa")->state == core::InstanceState::Loading);
}

TEST_CASE("engine: draining refuses what waits and lets run what runs", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(8));
    rig.add("b:1", "wb", gibibytes(8));
    rig.start();
    auto const running = rig.ask("a:1");
    rig.loop.advance(3s);
    auto const waiting = rig.ask("b:1");
    rig.engine->drain();
    rig.loop.poll();
    CHECK(waiting->refused().error.code == Errc::Draining);
    CHECK(waiting->refused().retry_after);
    CHECK(running->has_lease());
    CHECK(rig.ask("a:1")->refused().error.code == Errc::Draining);
    running->end();
    bool is_stopped = false;
    auto const stop = [](engine::Engine& engine, bool& done) -> net::Task<void> {
        co_await engine.stop();
        done = true;
    };
    rig.loop.spawn("stop", stop(*rig.engine, is_stopped));
    rig.until([&] { return is_stopped; });
    REQUIRE(rig.provider.handed_back.size() == 1);
    auto const& back = rig.provider.handed_back.front();
    CHECK(back.model == "a:1");
    CHECK(back.keep_alive == 5min);
    CHECK(back.settings.num_ctx == 4096);  // as loaded, so that nothing is reloaded
    CHECK(back.settings.num_batch == 1024);
    CHECK(rig.loop.running_tasks() == 0);
}

TEST_CASE("engine: GET /api/ps shows our expiry, not the upstream's", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(3));
    rig.add("b:1", "wb", gibibytes(3));
    rig.start();
    rig.load("a:1");
    engine::AcquireRequest request;
    request.model = "b:1";
    request.keep_alive = core::KeepAlive{.kind = core::KeepAlive::Kind::Forever, .duration = {}};
    auto const b = rig.ask(request);
    rig.loop.advance(5s);
    b->end();
    auto const answer = rig.go(rig.engine->ps_answer());
    REQUIRE(*answer);
    REQUIRE((**answer).has_value());
    auto const models = boost::json::parse(***answer).as_object().at("models").as_array();
    REQUIRE(models.size() == 2);
    // Latest expiry first: for ever is some 292 years ahead.
    CHECK(models[0].as_object().at("name").as_string() == "b:1");
    CHECK(std::string(models[0].as_object().at("expires_at").as_string()).substr(0, 2) == "23");
    CHECK(models[1].as_object().at("name").as_string() == "a:1");
    CHECK(std::string(models[1].as_object().at("expires_at").as_string()).substr(0, 2) == "20");
    CHECK(models[1].as_object().at("expires_at").as_string() != "2026-11-24T10:00:00Z");
    CHECK(models[1].as_object().at("size_vram").as_int64() == 1);
}

TEST_CASE("engine: listeners hear every decision until they let go", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(3));
    rig.start();
    std::vector<std::string> kinds;
    auto handle = rig.engine->subscribe([&](engine::EngineEvent const& event) {
        kinds.push_back(event.kind);
    });
    rig.load("a:1");
    CHECK(kinds == std::vector<std::string>{"load", "loaded", "dispatch", "finish"});
    handle.reset();
    rig.load("a:1");
    CHECK(kinds.size() == 4);
    auto const recent = rig.engine->recent_events(0);
    REQUIRE_FALSE(recent.empty());
    CHECK(rig.engine->recent_events(recent.back().sequence).empty());
    auto const loaded = std::ranges::find(recent, "loaded", &engine::EngineEvent::kind);
    REQUIRE(loaded != recent.end());
    CHECK(loaded->text == "Loaded a:1 in 2 s (VRAM 3072 MiB)");
    CHECK(boost::json::parse(loaded->json).as_object().at("seconds").as_double() == 2.0);
}

TEST_CASE("engine: of a request both ends are told, or none", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(3));
    rig.start();
    rig.load("a:1");
    auto const before = rig.engine->recent_events(0).back().sequence;
    auto const unheard = rig.ask("a:1", "x");  // served at once, and nobody listens
    std::vector<boost::json::object> heard;
    auto const handle = rig.engine->subscribe([&](engine::EngineEvent const& event) {
        heard.push_back(boost::json::parse(event.json).as_object());
    });
    engine::AcquireRequest request;
    request.model = "a:1";
    request.client = "y";
    request.request_id = "0123456789ab";
    auto const answered = rig.ask(std::move(request));
    rig.loop.advance(1500ms);
    unheard->end();
    answered->end();
    auto const left = rig.ask("a:1", "z");
    left->end(core::TicketOutcome::ClientGone);
    REQUIRE(rig.engine->recent_events(before).size() == 4);
    REQUIRE(heard.size() == 4);
    CHECK(heard[0].at("kind") == "dispatch");
    CHECK(heard[1].at("kind") == "finish");
    CHECK(heard[0].at("request") == "0123456789ab");
    CHECK(heard[1].at("request") == "0123456789ab");
    CHECK(heard[1].at("seconds").as_double() == 1.5);
    CHECK(heard[1].at("done") == true);
    CHECK(heard[1].at("text") == "answered");
    CHECK(heard[3].at("text") == "the client left");
    CHECK(heard[3].at("done") == false);
    CHECK(heard[3].at("time").as_string().ends_with('Z'));
}

TEST_CASE(
    "engine: the upstream's default context is learned from the first bare load",
    "[engine][component]"
) {
    Rig rig;
    rig.provider.add("a:1", "wa", gibibytes(1));
    rig.provider.default_num_ctx = 16384;
    rig.config.default_num_ctx_is_known = false;
    // Nothing is known of the model's shape, so that its context is predicted generously.
    rig.config.scheduler.budget = gibibytes(200);
    rig.config.scheduler.device_total = gibibytes(20);
    rig.start();
    engine::AcquireRequest request;
    request.model = "a:1";
    request.is_native = false;
    auto const one = rig.ask(request);
    rig.loop.advance(3s);
    REQUIRE(one->has_lease());
    one->end();
    CHECK(rig.view("wa")->settings.num_ctx == 16384);
    auto const native = rig.ask("a:1");
    REQUIRE(native->has_lease());
    CHECK((*native->result)->settings.num_ctx == 16384);
    CHECK(rig.provider.loads.size() == 1);
}

TEST_CASE(
    "engine: configured pins are set at the start and cleared by a reload", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(3));
    rig.config.models[key("a:1")].pin = true;
    rig.start();
    rig.loop.advance(5s);
    CHECK(rig.provider.has_row("a:1"));
    CHECK(rig.engine->snapshot().pins.size() == 1);
    auto config = rig.config;
    config.models[key("a:1")].pin = false;
    rig.engine->reconfigure(config);
    rig.loop.poll();
    CHECK(rig.engine->snapshot().pins.empty());
}

}  // namespace
}  // namespace plimsoll::test
