#include "unit/core/driver.hpp"

#include <functional>
#include <map>

using namespace plimsoll::test;
using plimsoll::Duration;
using plimsoll::gibibytes;
using plimsoll::TimePoint;

namespace {

// Clients that ask again a while after each answer, against an upstream that does as it is told.
class Loops {
  public:
    explicit Loops(SchedulerConfig config) : d(config) {}

    void client(std::string const& name, Demand const& wanted, Duration answer, Duration think) {
        clients_[name] = {wanted, answer, think};
        due_.emplace(d.now, [this, name] { ask(name); });
    }

    void at(TimePoint when, std::function<void()> what) { due_.emplace(when, std::move(what)); }

    void run(Duration length) {
        TimePoint const end = d.now + length;
        while (d.now < end) {
            TimePoint next = due_.empty() ? end : due_.begin()->first;
            auto const wake = d.scheduler.next_wakeup();
            if (wake && *wake < next) {
                d.now = std::max(d.now, *wake);
                obey(d.on(TimePassed{}));
                continue;
            }
            d.now = std::max(d.now, next);
            if (due_.empty()) {
                return;
            }
            auto const what = due_.begin()->second;
            due_.erase(due_.begin());
            what();
        }
    }

    Driver d;
    std::map<std::string, int> answers;
    std::map<std::string, Duration> longest;

    void ask(std::string const& name) {
        Ticket ticket;
        ticket.id = TicketId{++d.last_ticket};
        ticket.client = name;
        ticket.demand = clients_.at(name).wanted;
        owner_[ticket.id] = name;
        obey(d.on(TicketArrived{ticket}));
    }

  private:
    struct Client {
        Demand wanted;
        Duration answer, think;
    };

    void obey(std::vector<Action> const& actions) {
        for (Action const& action : actions) {
            if (auto const* load = std::get_if<Load>(&action)) {
                at(d.now + 2s, [this, load = *load] { obey(d.loaded(load)); });
            } else if (std::holds_alternative<Unload>(action)) {
                at(d.now + 10ms, [this] { list(); });
            } else if (std::holds_alternative<Observe>(action)) {
                list();
            } else if (auto const* dispatch = std::get_if<Dispatch>(&action)) {
                start(*dispatch);
            }
        }
    }

    void list() {
        at(d.now + 1ms, [this, asked = d.now] { obey(d.on(Observed{d.ready_rows(), asked})); });
    }

    void start(Dispatch const& dispatch) {
        std::string const name = owner_.at(dispatch.ticket);
        longest[name] = std::max(longest[name], dispatch.waited);
        at(d.now + clients_.at(name).answer, [this, name, id = dispatch.ticket] {
            ++answers[name];
            obey(d.on(TicketEnded{id, TicketOutcome::Done}));
            at(d.now + clients_.at(name).think, [this, name] { ask(name); });
        });
    }

    std::map<std::string, Client> clients_;
    std::map<TicketId, std::string> owner_;
    std::multimap<TimePoint, std::function<void()>> due_;
};

}  // namespace

TEST_CASE("order: more waiting per second of load goes first", "[core][order]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(UpstreamDown{""});
    d.ask(demand("one", gibibytes(4)));
    for (int i = 0; i < 3; ++i) {
        d.ask(demand("three", gibibytes(4)));
    }
    d.on(UpstreamUp{true});
    d.list({});
    CHECK(d.only<Load>().demand.weights == "three");
}

TEST_CASE("order: the earliest overdue goes before the most wanted", "[core][order]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(UpstreamDown{""});
    d.ask(demand("old", gibibytes(4)));
    d.pass(16s);
    for (int i = 0; i < 30; ++i) {
        d.ask(demand("crowd", gibibytes(4)));
    }
    d.on(UpstreamUp{true});
    d.list({});
    CHECK(d.only<Load>().demand.weights == "old");
}

TEST_CASE("order: high priority is overdue sooner", "[core][order]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(UpstreamDown{""});
    Ticket ticket;
    ticket.demand = demand("low", gibibytes(4));
    ticket.priority = Priority::Low;
    ticket.id = TicketId{1000};
    d.on(TicketArrived{ticket});
    ticket.demand = demand("high", gibibytes(4));
    ticket.priority = Priority::High;
    ticket.id = TicketId{1001};
    d.on(TicketArrived{ticket});
    d.pass(4s);
    d.on(UpstreamUp{true});
    d.list({});
    CHECK(d.only<Load>().demand.weights == "high");
}

TEST_CASE(
    "order: a busy model is not drained before its quantum, though the target is overdue",
    "[core][order]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const a = d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(6)));
    d.pass(23s);  // overdue since 15 s; the quantum is 8 x (2 + 1) s
    CHECK(d.view(a).state == InstanceState::Ready);
    d.pass(1s);
    CHECK(d.view(a).state == InstanceState::Draining);
}

TEST_CASE(
    "order: three overlapping clients on A without end do not starve one request on B",
    "[core][order]"
) {
    auto config = Driver::small(gibibytes(10));
    config.parallel = 3;
    Loops loops(config);
    for (std::string const name : {"a1", "a2", "a3"}) {
        loops.client(name, demand("a", gibibytes(6)), 1s, 100ms);
    }
    loops.run(5s);
    loops.client("b", demand("b", gibibytes(6)), 1s, 1h);
    loops.run(85s);
    CHECK(loops.answers["b"] == 1);
    // T 15 s and the rest of the quantum, then the longest answer, the unload and the load.
    CHECK(loops.longest["b"] <= 15s + 24s + 1s + 1s + 2s);
    CHECK(loops.answers["a1"] > 40);
}

TEST_CASE("order: closed loops on two models swap by quanta, not by requests", "[core][order]") {
    Loops loops(Driver::small(gibibytes(10)));
    loops.client("anna", demand("a", gibibytes(6)), 200ms, 100ms);
    loops.client("bert", demand("b", gibibytes(6)), 200ms, 100ms);
    loops.run(10min);
    // A period of at least one quantum (24 s) each.
    CHECK(loops.d.total<Load>() <= 600 / 24 + 2);
    CHECK(loops.d.total<Load>() >= 600 / 40);
    CHECK(loops.answers["anna"] + loops.answers["bert"] > 1500);
    CHECK(loops.longest["anna"] <= 60s);
    CHECK(loops.longest["bert"] <= 60s);
}

TEST_CASE("order: while one waits for its quantum another loads beside it", "[core][order]") {
    auto config = Driver::small(gibibytes(10));
    Driver d(config);
    d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(8)));
    d.pass(16s);
    d.ask(demand("c", gibibytes(2)));  // fits beside b, once a is gone
    d.list_ready();
    CHECK(d.only<Load>().demand.weights == "c");
}

TEST_CASE("order: the room of the earliest overdue target is not given away", "[core][order]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(8)));
    d.pass(16s);
    d.ask(demand("c", gibibytes(4)));  // fits now, but not beside b
    d.list_ready();
    CHECK(d.none<Load>());
}

TEST_CASE("order: the bound covers the wait, and is null while something is odd", "[core][order]") {
    Driver d(Driver::small(gibibytes(10)));
    d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(6)));
    auto const bound = d.scheduler.snapshot(d.now).bound;
    REQUIRE(bound);
    CHECK(*bound >= 15s + 24s + 2s);
    d.list({d.ready_rows().front(), Row{"x", "x", gibibytes(1), gibibytes(1), 0, {}, {}, {}}});
    CHECK_FALSE(d.scheduler.snapshot(d.now).bound);
}

namespace {

// What is loaded first of what came while the upstream was down.
std::string first_load(Driver& d) {
    d.on(UpstreamUp{true});
    d.list({});
    return d.only<Load>().demand.weights;
}

}  // namespace

TEST_CASE(
    "order: of two that are asked for as often the one that waits longer goes first",
    "[core][order]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.on(UpstreamDown{""});
    d.ask(demand("z", gibibytes(4)));
    d.pass(5s);
    d.ask(demand("a", gibibytes(4)));
    CHECK(first_load(d) == "z");
}

TEST_CASE("order: a pin counts as one that waits", "[core][order]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(UpstreamDown{""});
    d.on(PinSet{demand("z", gibibytes(4)), "operator", {}});
    d.ask(demand("z", gibibytes(4)));
    d.ask(demand("a", gibibytes(4)));
    CHECK(first_load(d) == "z");
}

TEST_CASE(
    "order: of two that waited as long the one that loads faster goes first", "[core][order]"
) {
    Driver d(Driver::small(gibibytes(10)));
    d.on(UpstreamDown{""});
    Demand slow = demand("a", gibibytes(4));
    slow.load_time = 20s;
    d.ask(slow);
    d.ask(demand("z", gibibytes(4)));
    d.pass(5s);
    CHECK(first_load(d) == "z");
}

TEST_CASE("order: of two overdue targets the earlier goes first", "[core][order]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(UpstreamDown{""});
    d.ask(demand("z", gibibytes(4)));
    d.pass(1s);
    for (int i = 0; i < 9; ++i) {
        d.ask(demand("a", gibibytes(4)));
    }
    d.pass(16s);
    CHECK(first_load(d) == "z");
}

TEST_CASE(
    "order: of two that became overdue together the more wanted goes first", "[core][order]"
) {
    for (std::string const wanted : {"a", "z"}) {
        for (auto const& names : {std::vector{"a", "b", "z"}, std::vector{"z", "b", "a"}}) {
            Driver d(Driver::small(gibibytes(10)));
            d.on(UpstreamDown{""});
            for (std::string const name : names) {
                d.ask(demand(name, gibibytes(4)));
            }
            d.ask(demand(wanted, gibibytes(4)));
            d.pass(16s);
            CHECK(first_load(d) == wanted);
        }
    }
}

TEST_CASE(
    "order: while victims drain for an overdue target another loads beside it", "[core][order]"
) {
    Driver d(Driver::small(gibibytes(12)));
    InstanceId const a = d.load(demand("a", gibibytes(6)));
    d.ask(demand("a", gibibytes(6)));
    d.ask(demand("b", gibibytes(10)));
    d.pass(25s);
    REQUIRE(d.view(a).state == InstanceState::Draining);
    d.ask(demand("c", gibibytes(2)));
    d.list_ready();
    CHECK(d.only<Load>().demand.weights == "c");
}

TEST_CASE(
    "order: while an overdue target waits nobody else is evicted for a third", "[core][order]"
) {
    Driver d(Driver::small(gibibytes(12)));
    d.load(demand("idle", gibibytes(3)));
    d.load(demand("busy", gibibytes(8)));
    d.ask(demand("busy", gibibytes(8)));
    d.ask(demand("overdue", gibibytes(5)));
    d.pass(16s);
    d.ask(demand("third", gibibytes(2)));  // would fit beside the overdue one, but not now
    d.list_ready();
    CHECK(d.total<Unload>() == 0);
}

TEST_CASE(
    "order: a load that fits no more while its list is on its way has room made at once",
    "[core][order]"
) {
    Driver d(Driver::small(gibibytes(10)));
    InstanceId const idle = d.load(demand("a", gibibytes(4)));
    d.pass(5s);
    d.ask(demand("b", gibibytes(6)));
    REQUIRE(d.all<Observe>().size() == 1);
    d.on(ConfigChanged{Driver::small(gibibytes(9))});
    CHECK(d.only<Unload>().instance == idle);
    d.confirm_gone();
    CHECK(d.only<Load>().demand.weights == "b");
}

TEST_CASE("order: what became unwanted while its list was on its way is dropped", "[core][order]") {
    Driver d(Driver::small(gibibytes(10)));
    d.on(PinSet{demand("a", gibibytes(4)), "operator", {}});
    REQUIRE(d.all<Observe>().size() == 1);
    d.on(PinCleared{"a"});
    d.list({});
    CHECK(d.total<Load>() == 0);
}
