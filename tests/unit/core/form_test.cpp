#include "unit/core/driver.hpp"

using namespace plimsoll::test;

namespace {

Demand own_context(Demand made, std::uint32_t num_ctx) {
    made.form = Form::Bare;
    made.settings = RunnerSettings{num_ctx, 0, {}};
    made.has_own_ctx = true;
    return made;
}

}  // namespace

TEST_CASE(
    "form: names of one weights with other contexts of their own do not share a bare instance",
    "[core][form]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(20)));
    Demand const plain = bare(demand("a", plimsoll::gibibytes(4)));
    Demand const wide = own_context(demand("a", plimsoll::gibibytes(6)), 16384);
    d.load(plain);
    d.ask(wide);
    CHECK(d.none<Dispatch>());
    CHECK(d.scheduler.snapshot(d.now).waiting.size() == 1);
    d.ask(plain);
    CHECK(d.all<Dispatch>().size() == 1);
}

TEST_CASE("form: a default context is one, whatever it turned out to be", "[core][form]") {
    Driver d(Driver::small(plimsoll::gibibytes(20)));
    Demand const plain = bare(demand("a", plimsoll::gibibytes(9), 4096));
    d.ask(plain);
    d.list({});
    Load const load = d.only<Load>();
    d.now += 2s;
    d.on(LoadSucceeded{
        load.instance,
        plimsoll::gibibytes(5),
        plimsoll::gibibytes(5),
        32768,
        2s,
        plimsoll::gibibytes(6)
    });
    CHECK(d.all<Dispatch>().size() == 1);
    CHECK(d.charged() == plimsoll::gibibytes(6));  // booked 9 for the largest default
    CHECK(d.scheduler.snapshot(d.now).instances.front().settings.num_ctx == 32768);
}

TEST_CASE(
    "form: a default context that is smaller than was believed is not loaded for more again",
    "[core][form]"
) {
    Driver d(Driver::small(plimsoll::gibibytes(20)));
    Demand const plain = bare(demand("a", plimsoll::gibibytes(9), 32768));
    Demand const wide = demand("a", plimsoll::gibibytes(6), 8192);
    TicketId const first = d.ask(plain);
    TicketId const second = d.ask(wide, "bert");
    d.list({});
    Load const load = d.only<Load>();
    REQUIRE(load.demand.form == Form::Bare);
    d.now += 2s;
    d.on(LoadSucceeded{
        load.instance,
        plimsoll::gibibytes(5),
        plimsoll::gibibytes(5),
        4096,
        2s,
        plimsoll::gibibytes(5)
    });
    REQUIRE(d.only<Dispatch>().ticket == first);
    d.on(TicketEnded{first, TicketOutcome::Done});
    d.pass(1s);
    d.confirm_gone();
    REQUIRE(d.only<Load>().demand.form == Form::Pinned);
    d.loaded(d.only<Load>());
    CHECK(d.only<Dispatch>().ticket == second);
}

TEST_CASE("form: a measurement above the corrected charge still wins", "[core][form]") {
    Driver d(Driver::small(plimsoll::gibibytes(20)));
    d.ask(bare(demand("a", plimsoll::gibibytes(9))));
    d.list({});
    Load const load = d.only<Load>();
    d.on(LoadSucceeded{
        load.instance,
        plimsoll::gibibytes(7),
        plimsoll::gibibytes(7),
        32768,
        2s,
        plimsoll::gibibytes(6)
    });
    CHECK(d.charged() == plimsoll::gibibytes(7));
}
