#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::gibibytes;

namespace {

Row row(std::string const& weights, plimsoll::Bytes size) {
    return Row{weights, weights + ":latest", size, size, 4096, {}, {}, {}};
}

}  // namespace

TEST_CASE(
    "list: after one that was wrong, none proves for an hour that a young instance is gone",
    "[core][list]"
) {
    auto config = Driver::small(gibibytes(20));
    config.max_loaded_models = 5;
    Driver d(config);
    d.load(demand("a", gibibytes(4)));
    auto const wrong_at = d.now;
    SECTION("it lacked what had just been loaded") {
        d.list({});
        CHECK(d.only<Notice>().level == Notice::Level::Warning);
        d.list({});
        CHECK(d.none<Notice>());  // once
    }
    SECTION("it lacked a row that came back") {
        d.pass(10s);
        d.list({});
        d.list_ready();
        CHECK(d.only<Notice>().level == Notice::Level::Warning);
    }
    SECTION("it showed what had left") {
        d.pass(7s);
        d.on(UnloadRequested{"a"});
        d.confirm_gone();
        d.list({row("a", gibibytes(4))});
        CHECK(d.none<Notice>());  // or somebody else loaded it
        d.now += 1ms;
        d.list({});
        d.now += 1ms;
        d.list({});
        CHECK(d.only<Notice>().level == Notice::Level::Warning);
    }
    SECTION("it lacked a row that is being unloaded, and that the next one shows again") {
        d.pass(10s);
        d.on(UnloadRequested{"a"});
        d.list({});
        d.list({row("a", gibibytes(4))});
        CHECK(d.only<Notice>().level == Notice::Level::Warning);
        d.confirm_gone();
    }
    auto const unload_young = [&](std::string const& weights) {
        InstanceId const id = d.load(demand(weights, gibibytes(4)));
        d.pass(500ms);
        d.on(UnloadRequested{weights});
        d.confirm_gone();
        return id;
    };
    SECTION("six seconds later it does") {
        d.list({});
        InstanceId const young = unload_young("b");
        REQUIRE(d.view(young).state == InstanceState::Unloading);
        d.now = d.view(young).loaded_at + 6s + 1ms;
        d.confirm_gone();
        CHECK(d.scheduler.state_of(young) == std::nullopt);
    }
    SECTION("an hour later they are believed") {
        d.list({});
        d.now = wrong_at + 1h + 1s;
        CHECK(d.scheduler.state_of(unload_young("b")) == std::nullopt);
    }
}
