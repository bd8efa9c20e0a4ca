#include "component/engine_rig.hpp"

namespace plimsoll::test {
namespace {

std::vector<Duration> polls_since(FakeProvider const& provider, TimePoint start) {
    std::vector<Duration> out;
    for (auto const at : provider.polls) {
        if (at > start) {
            out.push_back(at - start);
        }
    }
    return out;
}

TEST_CASE("engine: after an unload the list is read in widening steps", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.config.reconcile_interval = 1h;
    rig.start();
    rig.load("a:1");
    rig.loop.advance(10s);
    rig.provider.ignores_unload = true;
    rig.provider.polls.clear();
    auto const done = rig.go(rig.engine->unload("a:1", rig.never));
    rig.loop.advance(1200ms);
    std::vector<Duration> const expected = {
        5ms, 15ms, 35ms, 75ms, 155ms, 315ms, 565ms, 815ms, 1065ms
    };
    CHECK(polls_since(rig.provider, rig.provider.unload_sent) == expected);
    CHECK_FALSE(*done);
    CHECK(rig.engine->snapshot().charged == gibibytes(4));
}

TEST_CASE("engine: an unload is over when the row is gone", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.load("a:1");
    rig.loop.advance(10s);
    auto const done = rig.go(rig.engine->unload("a:1", rig.never));
    CHECK_FALSE(*done);
    rig.loop.advance(200ms);
    REQUIRE(*done);
    CHECK((**done).has_value());
    CHECK(rig.engine->snapshot().charged.is_zero());
    CHECK(rig.events("unloaded") == 1);
    rig.until([&] {
        return rig.from_store([](store::Store& store) { return store.known_rows(); })->empty();
    });
}

TEST_CASE("engine: an unload waits for running answers", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    auto const one = rig.ask("a:1");
    rig.loop.advance(3s);
    auto const done = rig.go(rig.engine->unload_and_wait("a:1", rig.never));
    rig.loop.advance(60s);
    CHECK_FALSE(*done);
    CHECK(rig.provider.count("unload a:1") == 0);
    one->end();
    rig.loop.advance(1s);
    REQUIRE(*done);
    CHECK((**done).has_value());
    CHECK(rig.provider.count("unload a:1") == 1);
}

TEST_CASE(
    "engine: a store request on another name of loaded weights unloads them", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.add("b:1", "wa", gibibytes(4));
    rig.start();
    rig.load("a:1");
    auto const done = rig.go(rig.engine->unload_and_wait("b:1", rig.never));
    rig.loop.advance(5s);
    REQUIRE(*done);
    CHECK((**done).has_value());
    CHECK_FALSE(rig.provider.has_row("a:1"));
}

TEST_CASE(
    "engine: a store request on an unknown name has nothing to wait for", "[engine][component]"
) {
    Rig rig;
    rig.start();
    auto const done = rig.go(rig.engine->unload_and_wait("new:1", rig.never));
    REQUIRE(*done);
    CHECK((**done).has_value());
}

TEST_CASE(
    "engine: a deleted name is unloaded by another of the same weights", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.add("b:1", "wa", gibibytes(4));
    rig.start();
    rig.go(rig.engine->resolve("b:1"));
    rig.load("a:1");
    rig.provider.models.erase("a:1");
    // The row stays under the deleted name.
    rig.provider.rows.front().model = "b:1";
    auto const done = rig.go(rig.engine->unload("b:1", rig.never));
    rig.loop.advance(5s);
    REQUIRE(*done);
    CHECK((**done).has_value());
    CHECK(rig.provider.count("unload a:1") == 1);
    CHECK(rig.provider.count("unload b:1") == 1);
}

TEST_CASE(
    "engine: an unload that does not work is said so, and stays charged", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    rig.load("a:1");
    rig.provider.ignores_unload = true;
    auto const done = rig.go(rig.engine->unload("a:1", rig.never));
    rig.loop.advance(40s);
    REQUIRE(*done);
    REQUIRE_FALSE((**done).has_value());
    CHECK((**done).error().code == Errc::UnloadFailed);
    CHECK(rig.engine->snapshot().charged == gibibytes(4));
    // It works later: the room comes back without anybody asking.
    rig.provider.drop_row("a:1");
    rig.loop.advance(5s);
    CHECK(rig.engine->snapshot().charged.is_zero());
}

TEST_CASE(
    "engine: a pinned model is loaded, kept, and refused to be unloaded", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(6));
    rig.add("b:1", "wb", gibibytes(6));
    rig.start();
    engine::AcquireRequest request;
    request.model = "a:1";
    request.client = "me";
    auto const pinned = rig.go(rig.engine->pin(request, std::nullopt, rig.never));
    rig.loop.advance(3s);
    REQUIRE(*pinned);
    REQUIRE((**pinned).has_value());
    CHECK((**pinned)->pinned);
    auto const unload = rig.go(rig.engine->unload("a:1", rig.never));
    REQUIRE(*unload);
    CHECK((**unload).error().code == Errc::Conflict);
    CHECK_THAT((**unload).error().message, ContainsSubstring("pinned by me"));
    CHECK(rig.ask("b:1")->refused().kind == core::RefuseKind::DoesNotFit);
    request.model = "b:1";
    auto const second = rig.go(rig.engine->pin(request, std::nullopt, rig.never));
    REQUIRE(*second);
    CHECK((**second).error().code == Errc::Conflict);
    CHECK_THAT((**second).error().message, ContainsSubstring("b:1"));
    auto const unpin = rig.go(rig.engine->unpin("a:1"));
    REQUIRE(*unpin);
    CHECK((**unpin).has_value());
    auto const again = rig.go(rig.engine->unpin("a:1"));
    CHECK((**again).error().code == Errc::NotFound);
}

TEST_CASE(
    "engine: clean-up unloads what is idle and says why the rest stays", "[engine][component]"
) {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(3));
    rig.add("b:1", "wb", gibibytes(3));
    rig.start();
    rig.load("a:1");
    auto const busy = rig.ask("b:1");
    rig.loop.advance(5s);
    REQUIRE(busy->has_lease());
    auto const report = rig.go(rig.engine->cleanup(rig.never));
    rig.loop.advance(1s);
    REQUIRE(*report);
    CHECK((**report).unloaded == std::vector<std::string>{"a:1"});
    CHECK((**report).kept == std::vector<std::string>{"b:1: 1 running"});
}

TEST_CASE("engine: a client's unload wish ends only its own claim", "[engine][component]") {
    Rig rig;
    rig.add("a:1", "wa", gibibytes(4));
    rig.start();
    engine::AcquireRequest request;
    request.model = "a:1";
    request.client = "x";
    request.keep_alive = core::KeepAlive{.kind = core::KeepAlive::Kind::For, .duration = 1h};
    auto const x = rig.ask(request);
    request.client = "y";
    auto const y = rig.ask(request);
    rig.loop.advance(3s);
    x->end();
    y->end();
    request.client = "x";
    request.keep_alive = core::KeepAlive{.kind = core::KeepAlive::Kind::Zero, .duration = {}};
    rig.go(rig.engine->wish(request));
    rig.loop.advance(60s);
    CHECK(rig.provider.has_row("a:1"));
    request.client = "y";
    rig.go(rig.engine->wish(request));
    rig.loop.advance(5s);
    CHECK_FALSE(rig.provider.has_row("a:1"));
    request.model = "nope:1";
    auto const unknown = rig.go(rig.engine->wish(request));
    CHECK((**unknown).error().code == Errc::NotFound);
}

}  // namespace
}  // namespace plimsoll::test
