#include "unit/core/driver.hpp"

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
    ask_apart(d, 200ms);
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
    ask_apart(d, 50ms);
    d.pass(20s);
    CHECK(next_after(d, hold) == "b");
}
