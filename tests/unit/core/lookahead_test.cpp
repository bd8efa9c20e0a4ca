#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::Duration;
using plimsoll::gibibytes;

namespace {

Demand timed(std::string const& name, std::uint64_t gib, Duration load) {
    Demand made = demand(name, gibibytes(gib));
    made.load_time = load;
    made.answer_time = 10s;
    return made;
}

// What is loaded when the list comes that the first of them asked for.
Load first_load(Driver& d, std::vector<Demand> const& asked) {
    for (Demand const& each : asked) {
        d.ask(each);
    }
    d.list_ready();
    return d.only<Load>();
}

}  // namespace

TEST_CASE(
    "lookahead: small models that fit together go before one that fills the budget", "[core][order]"
) {
    Driver d(Driver::small(gibibytes(20)));
    Demand const large = timed("large", 19, 14s);
    Demand const a = timed("a", 7, 6s);
    Demand const b = timed("b", 7, 6s);
    // By score alone the large one would go first.
    Load const load = first_load(d, {large, large, large, a, a, b, b});
    CHECK(load.demand.weights == "a");
    CHECK_THAT(
        load.reason,
        ContainsSubstring("those who wait now will wait about") &&
            ContainsSubstring("if large:latest came before a:latest")
    );
}

TEST_CASE("lookahead: it says so whichever was asked for first", "[core][order]") {
    Driver d(Driver::small(gibibytes(20)));
    Demand const large = timed("large", 19, 14s);
    Demand const a = timed("a", 7, 6s);
    Demand const b = timed("b", 7, 6s);
    Load const load = first_load(d, {a, a, b, b, large, large, large});
    CHECK(load.demand.weights == "a");
    CHECK_THAT(load.reason, ContainsSubstring("if large:latest came before a:latest"));
}

TEST_CASE("lookahead: the ranking's first is taken without a word", "[core][order]") {
    Driver d(Driver::small(gibibytes(20)));
    Load const load = first_load(d, {timed("a", 7, 6s), timed("a", 7, 6s), timed("b", 7, 6s)});
    CHECK(load.demand.weights == "a");
    CHECK_THAT(load.reason, !ContainsSubstring("in all"));
}

TEST_CASE("lookahead: where many wait the score decides", "[core][order]") {
    Driver d(Driver::small(gibibytes(20)));
    std::vector<Demand> asked(16, timed("large", 19, 14s));
    asked.insert(asked.end(), 10, timed("a", 7, 6s));
    asked.insert(asked.end(), 10, timed("b", 7, 6s));
    CHECK(first_load(d, asked).demand.weights == "large");
}

TEST_CASE("lookahead: whoever comes before the list counts", "[core][order]") {
    Driver d(Driver::small(gibibytes(20)));
    d.ask(timed("a", 7, 6s));
    CHECK(d.all<Observe>().size() == 1);
    d.ask(timed("b", 7, 6s));
    d.ask(timed("b", 7, 6s));
    d.list({});
    CHECK(d.only<Load>().demand.weights == "b");
}

TEST_CASE("lookahead: a model for which room was made is loaded into it", "[core][order]") {
    Driver d(Driver::small(gibibytes(20)));
    d.load(demand("old", gibibytes(19)));
    d.pass(3s);
    d.ask(timed("a", 7, 6s));
    d.only<Unload>();
    d.now += 10ms;
    d.ask(timed("b", 7, 6s));
    d.ask(timed("b", 7, 6s));
    d.confirm_gone();
    CHECK(d.only<Load>().demand.weights == "a");
}
