#include "component/engine_rig.hpp"

namespace plimsoll::test {
namespace {

using End = engine::Released::End;

engine::AcquireRequest request_for(std::string const& model, std::string const& client = "run") {
    engine::AcquireRequest out;
    out.model = model;
    out.client = client;
    return out;
}

// In memory, with a wish of this client.
void load_for(Rig& rig, std::string const& model, std::string const& client) {
    auto const one = rig.ask(model, client);
    rig.loop.advance(rig.provider.load_time + 1s);
    one->end();
    rig.loop.poll();
}

engine::Announcement announced(Rig& rig, std::string const& model, Duration in) {
    auto const made = rig.go(rig.engine->announce(request_for(model), in));
    rig.until([&] { return made->has_value(); });
    REQUIRE((*made)->has_value());
    return std::move(***made);
}

TEST_CASE("engine: an announced model is loaded ahead where nobody waits", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    auto const announcement = announced(rig, "a:1", 10s);
    rig.loop.advance(rig.provider.load_time + 1s);
    REQUIRE(rig.view("wa"));
    CHECK(rig.view("wa")->state == core::InstanceState::Ready);
    CHECK(rig.view("wa")->leases == 0);
}

TEST_CASE("engine: what is released goes when nobody else needs it", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    load_for(rig, "a:1", "run");
    auto const released = rig.go(rig.engine->release("a:1", "run", rig.never));
    CHECK_FALSE(*released);  // it is waited for
    rig.loop.advance(1s);
    REQUIRE(*released);
    CHECK((*released)->end == End::Gone);
    CHECK(rig.engine->snapshot().charged.is_zero());
}

TEST_CASE("engine: another client's wish keeps what is released", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    load_for(rig, "a:1", "anna");
    load_for(rig, "a:1", "run");
    auto const released = rig.go(rig.engine->release("a:1", "run", rig.never));
    rig.loop.advance(1s);
    REQUIRE(*released);
    CHECK((*released)->end == End::Kept);
    CHECK_FALSE((*released)->why.empty());
    CHECK(rig.view("wa"));
}

TEST_CASE(
    "engine: what is released stays for an announced use, and goes when that is withdrawn",
    "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    load_for(rig, "a:1", "run");
    auto announcement = announced(rig, "a:1", 60s);
    auto const released = rig.go(rig.engine->release("a:1", "run", rig.never));
    rig.loop.advance(1s);
    REQUIRE(*released);
    CHECK((*released)->end == End::Kept);
    announcement.withdraw();
    rig.loop.advance(1s);
    CHECK_FALSE(rig.view("wa"));
}

TEST_CASE("engine: an unload that does not work is told to whom released", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    load_for(rig, "a:1", "run");
    rig.provider.ignores_unload = true;
    auto const released = rig.go(rig.engine->release("a:1", "run", rig.never));
    rig.loop.advance(2min);
    REQUIRE(*released);
    CHECK((*released)->end == End::Stuck);
    CHECK_THAT((*released)->why, ContainsSubstring("restart"));
}

TEST_CASE("engine: what is not loaded need not be released", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    auto const absent = rig.go(rig.engine->release("a:1", "run", rig.never));
    auto const unknown = rig.go(rig.engine->release("nope:1", "run", rig.never));
    rig.loop.advance(1s);
    REQUIRE(*absent);
    CHECK((*absent)->end == End::Absent);
    REQUIRE(*unknown);
    CHECK((*unknown)->end == End::Absent);
}

TEST_CASE(
    "engine: without automatic unloading a release still unloads what nobody wants",
    "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.config.scheduler.auto_unload = false;
    rig.start();
    load_for(rig, "a:1", "run");
    auto const released = rig.go(rig.engine->release("a:1", "run", rig.never));
    rig.loop.advance(1s);
    REQUIRE(*released);
    CHECK((*released)->end == End::Gone);
}

TEST_CASE("engine: nothing is announced while management is off", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.config.enabled = false;
    rig.create();
    auto const made = rig.go(rig.engine->announce(request_for("a:1"), 1s));
    rig.until([&] { return made->has_value(); });
    REQUIRE_FALSE((*made)->has_value());
    CHECK((*made)->error().code == Errc::Unsupported);
}

}  // namespace
}  // namespace plimsoll::test
