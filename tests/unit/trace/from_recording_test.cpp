#include "support/catch.hpp"

#include <plimsoll/trace/from_recording.hpp>
#include <plimsoll/trace/recording.hpp>
#include <plimsoll/trace/simulate.hpp>

#include <sstream>

using namespace plimsoll;
using namespace plimsoll::trace;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

core::Demand demand(std::string const& model, Bytes charge) {
    core::Demand out;
    out.weights = "sha256-" + model;
    out.model = model;
    out.charge = charge;
    out.load_time = 9s;
    out.unload_time = 2s;
    return out;
}

// A recording written by hand: only its shape matters here, not that a scheduler would act so.
class Tape {
  public:
    explicit Tape(std::vector<std::string> const& pools)
        : writer_(header_of(pools), {1, 2}), text_(writer_.header_line()) {}

    void tell(
        Duration at, core::Event event, std::vector<core::Action> actions = {}, std::size_t pool = 0
    ) {
        text_ += writer_.step_line({pool, kStart + at, std::move(event), std::move(actions)});
    }

    void arrive(
        Duration at,
        std::uint64_t id,
        core::Demand const& wanted,
        std::vector<core::Action> actions = {},
        std::size_t pool = 0
    ) {
        core::Ticket ticket;
        ticket.id = core::TicketId{id};
        ticket.client = "10.0.0." + std::to_string(id % 2);
        ticket.priority = core::Priority::High;
        ticket.demand = wanted;
        tell(at, core::TicketArrived{ticket}, std::move(actions), pool);
    }

    void end(Duration at, std::uint64_t id, core::TicketOutcome outcome = {}) {
        tell(at, core::TicketEnded{core::TicketId{id}, outcome});
    }

    static core::Action dispatch(std::uint64_t id) {
        core::Dispatch out;
        out.ticket = core::TicketId{id};
        return out;
    }

    [[nodiscard]] Result<RecordedWorkload> read(std::string const& pool = "") const {
        std::istringstream in(text_ + writer_.end_line());
        return workload_of(in, pool, {{"sized", gibibytes(1)}});
    }

  private:
    static RecordingHeader header_of(std::vector<std::string> const& pools) {
        RecordingHeader out{"1", "now", kStart, {}};
        for (auto const& name : pools) {
            core::SchedulerConfig config;
            config.budget = gibibytes(8);
            config.parallel = 4;
            out.pools.push_back({name, config});
        }
        return out;
    }

    RecordingWriter writer_;
    std::string text_;
};

}  // namespace

TEST_CASE("recorded workload: arrivals, answers, sizes and measured loads", "[trace][unit]") {
    Tape tape({"one"});
    core::Load const load{core::InstanceId{1}, demand("a", gibibytes(3)), ""};
    tape.arrive(10s, 1, demand("a", gibibytes(3)), {load});
    tape.arrive(11s, 2, demand("a", gibibytes(5)));
    core::LoadSucceeded loaded;
    loaded.instance = core::InstanceId{1};
    loaded.took = 4s;
    tape.tell(14s, loaded, {Tape::dispatch(1)});
    tape.end(20s, 1);
    tape.arrive(21s, 3, demand("sized", gibibytes(7)), {Tape::dispatch(3)});
    tape.tell(22s, core::TimePassed{}, {Tape::dispatch(2)});
    tape.tell(23s, core::TicketCancelled{core::TicketId{3}});  // its client left in the answer
    tape.end(30s, 2, core::TicketOutcome::ClientGone);

    auto const read = tape.read();
    REQUIRE(read);
    CHECK(read->unanswered == 0);
    CHECK(read->missing_end.empty());
    CHECK(read->config.budget == gibibytes(8));
    CHECK(read->config.parallel == 4);
    REQUIRE(read->workload.models.size() == 2);
    CHECK(read->workload.models[0].name == "a");
    CHECK(read->workload.models[0].charge == gibibytes(5));  // the largest
    CHECK(read->workload.models[0].load == 4s);
    CHECK(read->workload.models[0].unload == 2s);
    CHECK(read->workload.models[1].charge == gibibytes(1));  // as said
    CHECK(read->workload.models[1].load == 9s);              // never measured
    auto const& requests = read->workload.requests;
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].arrival == 0s);
    CHECK(requests[0].service == 6s);
    CHECK(requests[0].priority == core::Priority::High);
    CHECK(requests[1].arrival == 1s);
    CHECK(requests[1].service == 8s);
    CHECK(requests[1].client != requests[0].client);
    CHECK(requests[2].client == requests[0].client);
    CHECK(requests[2].service == 2s);
    CHECK(simulate(read->workload, read->config).counters.dispatched == 3);
}

TEST_CASE("recorded workload: what has no answer gets its model's middle one", "[trace][unit]") {
    Tape tape({"one"});
    for (std::uint64_t id = 1; id <= 3; ++id) {
        tape.arrive(10s, id, demand("a", gibibytes(3)), {Tape::dispatch(id)});
    }
    tape.end(11s, 1);
    tape.end(17s, 2);
    tape.end(90s, 3);
    tape.arrive(100s, 4, demand("a", gibibytes(3)), {core::Refuse{core::TicketId{4}, {}, {}, ""}});
    tape.arrive(100s, 5, demand("a", gibibytes(3)));
    tape.tell(101s, core::TicketCancelled{core::TicketId{5}});  // gave up in the queue
    tape.arrive(102s, 6, demand("a", gibibytes(3)), {Tape::dispatch(6)});
    tape.end(103s, 6, core::TicketOutcome::UpstreamError);
    tape.arrive(104s, 7, demand("b", gibibytes(3)), {Tape::dispatch(7)});  // runs at the end

    auto const read = tape.read();
    REQUIRE(read);
    CHECK(read->unanswered == 4);
    REQUIRE(read->workload.requests.size() == 7);
    for (std::size_t i = 3; i < 7; ++i) {
        CHECK(read->workload.requests[i].service == 7s);
    }
}

TEST_CASE("recorded workload: one of several pools has to be named", "[trace][unit]") {
    Tape tape({"one", "two"});
    tape.arrive(1s, 1, demand("a", gibibytes(3)), {Tape::dispatch(1)}, 0);
    tape.arrive(2s, 1, demand("b", gibibytes(3)), {Tape::dispatch(1)}, 1);
    auto const error = [&](std::string const& pool) { return tape.read(pool).error().message; };
    CHECK(error("") == "it has several pools; say --pool with one of one, two");
    CHECK(error("six") == "it has no pool six; say --pool with one of one, two");
    auto const two = tape.read("two");
    REQUIRE(two);
    REQUIRE(two->workload.requests.size() == 1);
    CHECK(two->workload.models.front().name == "b");

    CHECK_THAT(
        Tape({"one"}).read().error().message, ContainsSubstring("there is no request in it")
    );
    std::istringstream cut("{\"format\":\"plimsoll rec");
    CHECK_THAT(workload_of(cut, "", {}).error().message, ContainsSubstring("header is cut off"));
}
