#include "core/debts.hpp"

#include "unit/core/driver.hpp"

#include <cmath>

using namespace plimsoll::test;
using plimsoll::Duration;
using plimsoll::gibibytes;

namespace {

// Of a and b one fits at a time, and so of all that is loaded here.
Demand model(std::string const& name) {
    return demand(name, gibibytes(6));
}

// Lists as they are asked for, and loads and unloads that do as they are told, until nothing is
// left to do. The model that was loaded last.
std::string settle(Driver& d) {
    std::string last;
    for (int i = 0; i < 20; ++i) {
        auto const actions = d.last;
        bool is_list_due = false;
        for (Action const& action : actions) {
            is_list_due = is_list_due || std::holds_alternative<Observe>(action) ||
                          std::holds_alternative<Unload>(action);
            if (auto const* load = std::get_if<Load>(&action)) {
                last = load->demand.weights;
                d.now += 2s;
                d.loaded(*load);
                return last;
            }
        }
        if (is_list_due) {
            d.now += 1s;
            d.list_ready();
        } else {
            d.now += 1ms;
            d.on(TimePassed{});
        }
    }
    return last;
}

void use(Driver& d, std::string const& name, std::string const& client) {
    TicketId const ticket = d.ask(model(name), client);
    settle(d);
    d.on(TicketEnded{ticket, TicketOutcome::Done});
    d.pass(1s);
}

// The swapper has had six swaps; then "hold" is answering, so that what comes now has to wait.
TicketId after_swaps(Driver& d) {
    for (int i = 0; i < 3; ++i) {
        use(d, "x", "swapper");
        use(d, "y", "swapper");
    }
    TicketId const hold = d.ask(model("hold"), "holder");
    CHECK(settle(d) == "hold");
    return hold;
}

void ask_apart(Driver& d, Duration gap) {
    d.ask(model("a"), "swapper");
    d.now += gap;
    d.ask(model("b"), "calm");
}

std::string next_after(Driver& d, TicketId hold) {
    d.on(TicketEnded{hold, TicketOutcome::Done});
    d.pass(1s);
    return settle(d);
}

}  // namespace

TEST_CASE("debts: of equals the client that caused fewer swaps goes first", "[core][debts]") {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const hold = after_swaps(d);
    SECTION("whichever came first") {
        d.ask(model("a"), "swapper");
        d.ask(model("b"), "calm");
    }
    SECTION("in the other order") {
        d.ask(model("b"), "calm");
        d.ask(model("a"), "swapper");
    }
    SECTION("and nobody pays for the company he is in") {
        d.ask(model("a"), "swapper");
        d.ask(model("a"), "swapper");
        d.ask(model("b"), "swapper");
        d.ask(model("b"), "calm");
    }
    CHECK(next_after(d, hold) == "b");
}

TEST_CASE("debts: without them equals go by name", "[core][debts]") {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const hold = d.ask(model("hold"), "holder");
    settle(d);
    d.ask(model("b"), "calm");
    d.ask(model("a"), "swapper");
    CHECK(next_after(d, hold) == "a");
}

TEST_CASE("debts: they fade", "[core][debts]") {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const hold = after_swaps(d);
    d.now += 3h;
    d.ask(model("b"), "calm");
    d.ask(model("a"), "swapper");
    CHECK(next_after(d, hold) == "a");
}

TEST_CASE("debts: more waiting outweighs them", "[core][debts]") {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const hold = after_swaps(d);
    d.ask(model("b"), "calm");
    for (int i = 0; i < 3; ++i) {
        d.ask(model("a"), "swapper");
    }
    CHECK(next_after(d, hold) == "a");
}

TEST_CASE("debts: whoever is overdue first goes first", "[core][debts]") {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const hold = after_swaps(d);
    ask_apart(d, 101ms);
    SECTION("all the same") {
        d.pass(20s);
        CHECK(next_after(d, hold) == "a");
    }
    SECTION("but before that they were equals") {
        CHECK(next_after(d, hold) == "b");
    }
}

TEST_CASE("debts: overdue in the same moment they decide", "[core][debts]") {
    Driver d(Driver::small(gibibytes(10)));
    TicketId const hold = after_swaps(d);
    ask_apart(d, 100ms);
    d.pass(20s);
    CHECK(next_after(d, hold) == "b");
}

TEST_CASE(
    "debts: half is forgotten in ten minutes, less than a tenth of a second is none",
    "[core][debts]"
) {
    Debts debts;
    plimsoll::TimePoint const now{1h};
    CHECK(debts.of("anna", now) == 0);
    debts.charge("anna", 10, now);
    CHECK(debts.of("anna", now) == 10);
    CHECK(debts.of("bert", now) == 0);
    CHECK(debts.of("anna", now + 10min) == 5);
    debts.charge("anna", 3, now + 10min);
    CHECK(debts.of("anna", now + 10min) == 8);
    CHECK(debts.of("anna", now + 20min) == 4);
    debts.charge("bert", 0.1, now);
    CHECK(debts.of("bert", now) == 0.1);
    CHECK(debts.of("bert", now + 1s) == 0);
}

TEST_CASE(
    "debts: a load is shared by those who wait for it, and so is the unload before it",
    "[core][debts]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.load(model("x"), "first");
    d.pass(5s);
    d.ask(model("a"), "anna");
    d.ask(model("a"), "bert");
    d.now += 1s;
    auto const debts = [&] {
        std::vector<double> seconds;
        for (WaitingView const& view : d.scheduler.snapshot(d.now).waiting) {
            seconds.push_back(std::round(100 * plimsoll::to_seconds(view.swap_debt)) / 100);
        }
        return seconds;
    };
    CHECK(debts() == std::vector<double>{0, 0});
    d.confirm_gone();
    Load const load = d.only<Load>();
    CHECK(debts() == std::vector<double>{1, 0});  // bert came after the unload
    d.now += 2s;
    d.loaded(load);
    CHECK(d.only<Dispatch>().ticket == TicketId{d.last_ticket - 1});
    CHECK(debts() == std::vector<double>{1});
}

TEST_CASE("debts: a load that a restart ended is nobody's doing", "[core][debts]") {
    Driver d(Driver::small(gibibytes(10)));
    d.ask(model("a"), "anna");
    d.list({});
    REQUIRE(d.all<Load>().size() == 1);
    d.now += 10s;
    d.on(UpstreamUp{true});
    CHECK(d.scheduler.snapshot(d.now).waiting.front().swap_debt == 0s);
}
