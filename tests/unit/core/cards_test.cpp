#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::Bytes;
using plimsoll::gibibytes;
using plimsoll::mebibytes;

namespace {

// Two cards of 24 GiB, 22 of each for models.
SchedulerConfig two_cards() {
    auto config = Driver::small(gibibytes(44));
    config.cards = {{gibibytes(22), gibibytes(24), {}}, {gibibytes(22), gibibytes(24), {}}};
    config.device_total = gibibytes(48);
    config.max_loaded_models = 6;
    return config;
}

Demand sized(std::string const& weights, Bytes charge) {
    Demand made = demand(weights, charge);
    made.upstream_estimate = charge;
    return made;
}

void placed(Driver& d, InstanceId id, PerCard most) {
    d.on(Placed{id, std::move(most)});
}

}  // namespace

TEST_CASE("cards: one model on each, as the driver shows", "[core][cards]") {
    Driver d(two_cards());
    InstanceId const a = d.load(sized("a", gibibytes(15)));
    CHECK(d.view(a).cards == PerCard{gibibytes(15), gibibytes(15)});  // it may be on either
    CHECK_FALSE(d.view(a).is_placed);
    d.pass(10s);
    SECTION("until it is known where one lies, both cards are taken") {
        d.ask(sized("b", gibibytes(15)));
        CHECK(d.only<Unload>().instance == a);
    }
    SECTION("then the other one is free") {
        placed(d, a, {gibibytes(15), Bytes()});
        CHECK(d.view(a).is_placed);
        InstanceId const b = d.load(sized("b", gibibytes(15)));
        CHECK(d.total<Unload>() == 0);
        CHECK(d.view(b).cards == PerCard{Bytes(), gibibytes(15)});
        CHECK(d.scheduler.snapshot(d.now).charged_by_card == PerCard{gibibytes(15), gibibytes(15)});
        placed(d, b, {Bytes(), gibibytes(15)});
        // 14 GiB are left in the sum, 7 on each.
        d.pass(10s);
        d.ask(sized("c", gibibytes(13)));  // half and a tenth on each is too much
        CHECK(d.all<Unload>().size() == 1);
    }
    CHECK(d.scheduler.counters().violations == 0);
}

TEST_CASE("cards: what fits none of them alone is spread over both", "[core][cards]") {
    Driver d(two_cards());
    InstanceId const wide = d.load(sized("wide", gibibytes(30)));
    // Half and some more on each, as nobody knows how much others use.
    CHECK(d.view(wide).cards.front() > gibibytes(15) + mebibytes(700));
    CHECK(d.view(wide).cards.front() < gibibytes(16));
    placed(d, wide, {gibibytes(14), gibibytes(16)});
    d.pass(10s);
    d.load(sized("small", gibibytes(5)));
    CHECK(d.total<Unload>() == 0);
    CHECK(d.scheduler.counters().violations == 0);
}

TEST_CASE("cards: more than any placement allows is refused with the cards", "[core][cards]") {
    Driver d(two_cards());
    d.ask(sized("huge", gibibytes(43)));  // more than half on each
    auto const refuse = d.only<Refuse>();
    CHECK(refuse.kind == RefuseKind::DoesNotFit);
    CHECK_THAT(refuse.reason, ContainsSubstring("more than the cards' budgets let the upstream"));
    CHECK_THAT(refuse.reason, ContainsSubstring("card 1: 22 GiB of 22 GiB left, card 2: 22 GiB"));
}

TEST_CASE("cards: beside pins, what they leave on each counts", "[core][cards]") {
    Driver d(two_cards());
    InstanceId const a = d.load(sized("a", gibibytes(15)));
    placed(d, a, {gibibytes(15), Bytes()});
    d.on(PinSet{sized("a", gibibytes(15)), "operator", {}});
    d.ask(sized("b", gibibytes(25)));
    auto const refuse = d.only<Refuse>();
    CHECK(refuse.kind == RefuseKind::DoesNotFit);
    CHECK_THAT(refuse.reason, ContainsSubstring("card 1: 7 GiB of 22 GiB left"));
    SECTION("also of one that is not loaded yet") {
        d.on(PinSet{sized("p", gibibytes(15)), "operator", {}});
        d.ask(sized("c", gibibytes(13)));
        CHECK_THAT(d.only<Refuse>().reason, ContainsSubstring("pinned"));
    }
}

TEST_CASE("cards: pins that one card cannot hold are dropped", "[core][cards]") {
    Driver d(two_cards());
    InstanceId const a = d.load(sized("a", gibibytes(15)));
    placed(d, a, {gibibytes(15), Bytes()});
    d.on(PinSet{sized("a", gibibytes(15)), "operator", {}});
    auto config = two_cards();
    config.cards[0].budget = gibibytes(14);
    config.budget = gibibytes(36);
    d.on(ConfigChanged{config});
    CHECK(d.scheduler.snapshot(d.now).pins.empty());
}

TEST_CASE(
    "cards: a row of somebody else counts on all of them until it is placed", "[core][cards]"
) {
    Driver d(two_cards());
    Row foreign{"x", "x:latest", gibibytes(9), gibibytes(9), 4096, {}, {}, {}};
    d.list({foreign});
    CHECK(d.scheduler.snapshot(d.now).charged_by_card == PerCard{gibibytes(9), gibibytes(9)});
    CHECK_FALSE(d.scheduler.snapshot(d.now).over_budget);
    auto const id = d.scheduler.snapshot(d.now).instances.front().id;
    d.on(Placed{id, {gibibytes(4), gibibytes(5)}, false});
    CHECK(d.scheduler.snapshot(d.now).charged_by_card == PerCard{gibibytes(4), gibibytes(5)});
    CHECK_FALSE(d.view(id).is_placed);
    placed(d, id, {Bytes(), gibibytes(9)});
    CHECK(d.scheduler.snapshot(d.now).charged_by_card == PerCard{Bytes(), gibibytes(9)});
    CHECK(d.view(id).is_placed);
}

TEST_CASE("cards: one over its budget loses what lies on it, not its neighbours", "[core][cards]") {
    auto config = two_cards();
    config.keep_forever = true;
    Driver d(config);
    InstanceId const first = d.load(sized("a", gibibytes(15)));
    placed(d, first, {gibibytes(15), Bytes()});
    InstanceId const second = d.load(sized("b", gibibytes(15)));
    placed(d, second, {Bytes(), gibibytes(15)});
    d.pass(10s);
    SECTION("the first") {
        config.cards[0].budget = gibibytes(14);
        config.budget = gibibytes(36);
        d.on(ConfigChanged{config});
        CHECK(d.only<Unload>().instance == first);
    }
    SECTION("the second") {
        config.cards[1].budget = gibibytes(14);
        config.budget = gibibytes(36);
        d.on(ConfigChanged{config});
        CHECK(d.only<Unload>().instance == second);
    }
    SECTION("the driver shows both on one") {
        placed(d, second, {gibibytes(15), Bytes()});
        CHECK(d.all<Unload>().size() == 1);
        d.confirm_gone();
        CHECK(d.total<Unload>() == 1);
    }
    SECTION("a sum over the budget loses whatever is worth least") {
        config.budget = gibibytes(20);
        d.on(ConfigChanged{config});
        CHECK(d.all<Unload>().size() == 1);
    }
}

TEST_CASE(
    "cards: while the sum is just used up, a card over its budget loses nobody else",
    "[core][cards]"
) {
    Driver d(two_cards());
    Row foreign{"x", "x:latest", gibibytes(22), gibibytes(22), 4096, {}, {}, {}};
    d.list({foreign});
    placed(d, d.scheduler.snapshot(d.now).instances.front().id, {Bytes(), gibibytes(22)});
    Demand wanted = sized("a", gibibytes(22));
    wanted.upstream_estimate = gibibytes(17);
    InstanceId const id = d.load(wanted);
    REQUIRE(d.view(id).cards == PerCard{gibibytes(22), Bytes()});
    REQUIRE(d.charged() == gibibytes(44));
    placed(d, id, {gibibytes(23), Bytes()});
    CHECK(d.only<Unload>().instance == id);  // although foreign ones go first
}

TEST_CASE("cards: a place for another number of cards, or of nobody, is ignored", "[core][cards]") {
    Driver d(two_cards());
    InstanceId const a = d.load(sized("a", gibibytes(15)));
    placed(d, a, {gibibytes(15)});
    CHECK_FALSE(d.view(a).is_placed);
    placed(d, InstanceId{99}, {gibibytes(15), Bytes()});
    CHECK(d.scheduler.snapshot(d.now).instances.size() == 1);
}

TEST_CASE("cards: rows found at the start count where the driver shows them", "[core][cards]") {
    Driver d(two_cards());
    Row first{"x", "x:latest", gibibytes(20), gibibytes(20), 4096, {}, {}, {}};
    Row second{"y", "y:latest", gibibytes(20), gibibytes(20), 4096, {}, {}, {}};
    first.cards = {gibibytes(10), gibibytes(10)};
    second.cards = {gibibytes(10), gibibytes(10)};
    d.list({first, second});
    CHECK(d.none<Unload>());  // although each could be on either card
    CHECK_FALSE(d.scheduler.snapshot(d.now).over_budget);
}

TEST_CASE(
    "cards: the largest charge is what every choice of the upstream leaves", "[core][cards]"
) {
    Driver d(two_cards());
    Bytes const alone = d.scheduler.largest_charge("a");
    CHECK(alone > gibibytes(41));  // spread
    CHECK(alone < gibibytes(42));
    InstanceId const p = d.load(sized("p", gibibytes(15)));
    placed(d, p, {gibibytes(15), Bytes()});
    d.on(PinSet{sized("p", gibibytes(15)), "operator", {}});
    CHECK(d.scheduler.largest_charge("p") == alone);
    Bytes const beside = d.scheduler.largest_charge("a");
    // Up to four fifths of the free card; more might be spread, for which the first has no room.
    CHECK(beside > gibibytes(18));
    CHECK(beside < gibibytes(19));
    d.on(ConfigChanged{Driver::small(gibibytes(44))});
    CHECK(d.scheduler.largest_charge("a") == gibibytes(29));
}

TEST_CASE("cards: a little more than was reserved is no reason to unload", "[core][cards]") {
    Driver d(two_cards());
    InstanceId const wide = d.load(sized("wide", gibibytes(41)));
    Bytes const reserved = d.view(wide).cards.front();
    REQUIRE(reserved > gibibytes(21));
    SECTION("up to a 64th of the card") {
        placed(d, wide, {reserved + mebibytes(384), gibibytes(20)});
        CHECK(d.view(wide).cards == PerCard{reserved, gibibytes(20)});
        CHECK(d.none<Unload>());
    }
    SECTION("above that it counts") {
        placed(d, wide, {gibibytes(23), gibibytes(18)});
        CHECK(d.view(wide).cards == PerCard{gibibytes(23), gibibytes(18)});
        CHECK(d.only<Unload>().instance == wide);
    }
}
