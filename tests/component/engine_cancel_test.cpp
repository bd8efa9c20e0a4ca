#include "component/engine_rig.hpp"

namespace plimsoll::test {
namespace {

TEST_CASE("engine: a client gone before its model is known starts nothing", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.provider.show_time = 100ms;
    rig.start();
    auto const one = rig.ask("a:1");
    one->canceller.cancel();
    rig.loop.poll();
    CHECK(one->refused().error.code == Errc::Cancelled);
    rig.loop.advance(1s);
    CHECK(rig.provider.loads.empty());
}

TEST_CASE(
    "engine: a client gone from the queue gives its place back at once", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(8));
    rig.add("b:1", "wb", gibibytes(8));
    rig.start();
    auto const running = rig.ask("a:1");
    rig.loop.advance(3s);
    REQUIRE(running->has_lease());
    auto const waiting = rig.ask("b:1");
    CHECK(rig.engine->snapshot().waiting.size() == 1);
    waiting->canceller.cancel();
    // Within the very call, not a turn of the loop later.
    CHECK(rig.engine->snapshot().waiting.empty());
    rig.loop.poll();
    CHECK(waiting->refused().error.code == Errc::Cancelled);
    running->end();
    rig.loop.advance(60s);
    CHECK(rig.provider.count("load b:1") == 0);
    CHECK(rig.provider.count("unload a:1") == 0);
}

TEST_CASE("engine: a load that nobody waits for any more is given up", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    auto const one = rig.ask("a:1");
    auto const two = rig.ask("a:1");
    rig.loop.advance(1s);
    one->canceller.cancel();
    rig.loop.poll();
    CHECK(rig.provider.count("aborted a:1") == 0);  // somebody is left
    two->canceller.cancel();
    rig.loop.poll();
    CHECK(rig.provider.count("aborted a:1") == 1);
    CHECK(rig.events("abort") == 1);
    // Charged until two lists a second apart lack it.
    CHECK(rig.engine->snapshot().charged == gibibytes(4));
    rig.loop.advance(4s);
    CHECK(rig.engine->snapshot().charged.is_zero());
}

TEST_CASE("engine: a lease that is dropped frees the slot at once", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.config.scheduler.parallel = 1;
    rig.start();
    auto const running = rig.ask("a:1", "x");
    rig.loop.advance(3s);
    auto const waiting = rig.ask("a:1", "y");
    CHECK_FALSE(waiting->result);
    running->result.reset();  // the relay's coroutine went away
    rig.loop.poll();
    CHECK(waiting->has_lease());
    CHECK(rig.view("wa")->leases == 1);
}

TEST_CASE(
    "engine: a client that leaves in the moment of its dispatch holds nothing",
    "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.config.scheduler.parallel = 1;
    rig.start();
    auto const running = rig.ask("a:1", "x");
    rig.loop.advance(3s);
    auto const waiting = rig.ask("a:1", "y");
    running->end();               // dispatches y ...
    waiting->canceller.cancel();  // ... who is gone before its coroutine has its turn
    rig.loop.poll();
    CHECK(waiting->refused().error.code == Errc::Cancelled);
    CHECK(rig.view("wa")->leases == 0);
}

TEST_CASE("engine: a cancelled request never becomes a ticket", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.load("a:1");
    auto const before = rig.engine->snapshot().counters.tickets;
    auto one = std::make_shared<Ask>();
    one->canceller.cancel();
    engine::AcquireRequest request;
    request.model = "a:1";
    auto const result = rig.go(rig.engine->acquire(request, one->canceller));
    REQUIRE(*result);
    CHECK((*result)->error().error.code == Errc::Cancelled);
    CHECK(rig.engine->snapshot().counters.tickets == before);
}

}  // namespace
}  // namespace plimsoll::test
