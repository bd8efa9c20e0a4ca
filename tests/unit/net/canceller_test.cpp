#include "support/catch.hpp"

#include <plimsoll/net/wait.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

using namespace plimsoll::net;

TEST_CASE("canceller: callbacks run newest first and at most once", "[net][unit]") {
    Canceller canceller;
    std::string order;
    Canceller::Registration const first(canceller, [&] { order += 'a'; });
    Canceller::Registration const second(canceller, [&] { order += 'b'; });
    CHECK_FALSE(canceller.is_cancelled());
    canceller.cancel();
    canceller.cancel();
    CHECK(canceller.is_cancelled());
    CHECK(order == "ba");
}

TEST_CASE("canceller: a registration with a cancelled one calls back at once", "[net][unit]") {
    Canceller canceller;
    canceller.cancel();
    bool called = false;
    Canceller::Registration const late(canceller, [&] { called = true; });
    CHECK(called);
}

TEST_CASE("canceller: a registration that ended is not called", "[net][unit]") {
    Canceller canceller;
    bool called = false;
    {
        Canceller::Registration const gone(canceller, [&] { called = true; });
    }
    Canceller::Registration undone(canceller, [&] { called = true; });
    undone.reset();
    canceller.cancel();
    CHECK_FALSE(called);
}

TEST_CASE("canceller: a moved registration stays in force", "[net][unit]") {
    Canceller canceller;
    int calls = 0;
    Canceller::Registration from(canceller, [&] { ++calls; });
    Canceller::Registration to(std::move(from));
    Canceller::Registration assigned;
    assigned = std::move(to);
    canceller.cancel();
    CHECK(calls == 1);
}

TEST_CASE("canceller: a callback may undo another registration", "[net][unit]") {
    Canceller canceller;
    bool called = false;
    Canceller::Registration older(canceller, [&] { called = true; });
    Canceller::Registration const newer(canceller, [&] { older.reset(); });
    canceller.cancel();
    CHECK_FALSE(called);
}

TEST_CASE("canceller: a registration may outlive its canceller", "[net][unit]") {
    auto canceller = std::make_unique<Canceller>();
    bool called = false;
    Canceller::Registration registration(*canceller, [&] { called = true; });
    canceller.reset();
    registration.reset();
    CHECK_FALSE(called);
}
