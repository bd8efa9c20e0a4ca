// Rules 6 and 10: what it costs to lose an instance, and how long a busy one is safe.
#include "core/victims.hpp"

#include "unit/core/driver.hpp"

#include <cmath>

using namespace plimsoll::test;
using plimsoll::Bytes;
using plimsoll::Duration;
using plimsoll::gibibytes;
using plimsoll::TimePoint;

namespace {

constexpr TimePoint kNow{2h};

Demand taking(Duration load, Duration unload) {
    Demand made = demand("a", gibibytes(4));
    made.load_time = load;
    made.unload_time = unload;
    return made;
}

bool is_about(double a, double b) {
    return std::abs(a - b) < 1e-9;
}

double value(Target const& target, Duration load, Bytes charge) {
    return value_if_loaded(target, taking(load, 1s), charge, kNow);
}

}  // namespace

TEST_CASE(
    "victims: a quantum is of the longer load and the unload of who wants the room", "[core][room]"
) {
    SchedulerConfig config;
    config.quantum_factor = 4;
    State const state(config);
    CHECK(quantum_of(state, taking(5s, 3s), taking(2s, 7s)) == 32s);
    CHECK(quantum_of(state, taking(5s, 3s), taking(9s, 7s)) == 48s);
}

TEST_CASE("victims: the value is the expected requests times the load per size", "[core][room]") {
    Target target;
    CHECK(value(target, 2s, gibibytes(4)) == 0);
    target.waiting = 60;  // one a second
    CHECK(is_about(value(target, 2s, gibibytes(4)), 0.5));
    CHECK(is_about(value(target, 2s, gibibytes(8)), 0.25));
    CHECK(is_about(value(target, 0s, gibibytes(4)), 0.1 / 4));
    CHECK(is_about(value(target, 2s, Bytes()), 2 / 0.01));
    note_request(target.usage, kNow);
    double const rate = requests_per_second(target.usage, kNow);
    CHECK(is_about(value(target, 2s, gibibytes(4)), (1 + rate) / 2));
    CHECK(value_if_loaded(target, taking(2s, 1s), gibibytes(4), kNow + 1h) < 0.51);
}

TEST_CASE(
    "victims: an announced use is worth a request until it comes, or within a minute",
    "[core][room]"
) {
    auto const uses = [](Duration in) {
        Target target;
        target.announcements.push_back(Announcement{AnnouncementId{1}, {}, kNow + in, false});
        return value(target, 1s, gibibytes(1));
    };
    CHECK(is_about(uses(120s), 1.0 / 120));
    CHECK(is_about(uses(61s), 1.0 / 61));
    CHECK(is_about(uses(30s), 1.0 / 60));
    CHECK(is_about(uses(-30s), 1.0 / 60));
    Target target;
    for (std::uint64_t id = 1; id <= 2; ++id) {
        target.announcements.push_back(Announcement{AnnouncementId{id}, {}, kNow, id == 2});
    }
    CHECK(is_about(value(target, 1s, gibibytes(1)), 2.0 / 60));  // its load is spent, not its use
}

TEST_CASE("victims: what others loaded costs nothing to lose", "[core][room]") {
    State state((SchedulerConfig()));
    Target target;
    target.waiting = 60;
    Instance instance;
    instance.id = InstanceId{1};
    instance.target = &target;
    instance.demand = taking(2s, 1s);
    state.ledger.impose(instance.id, gibibytes(8));
    CHECK(is_about(value_of(state, instance, kNow), 0.25));  // by what is charged
    instance.is_foreign = true;
    CHECK(value_of(state, instance, kNow) == 0);
}

TEST_CASE(
    "victims: an answer is expected to last as the last ones did, else as was said", "[core][room]"
) {
    Target target;
    Demand wanted = taking(2s, 1s);
    CHECK(expected_answer(target, wanted, 7s) == 7s);
    wanted.answer_time = 5s;
    CHECK(expected_answer(target, wanted, 7s) == 5s);
    target.answer_seconds = 3;
    CHECK(expected_answer(target, wanted, 7s) == 3s);
}

TEST_CASE(
    "victims: what is left of its answers is the mean of them, and at least a little",
    "[core][room]"
) {
    State state((SchedulerConfig()));
    state.epoch = kNow - 100s;
    Target target;
    Instance instance;
    instance.target = &target;
    CHECK(drain_seconds(state, instance, kNow) == 0);
    instance.leases = 2;
    instance.lease_start_sum = 90 + 94;                        // six and ten seconds ago
    CHECK(is_about(drain_seconds(state, instance, kNow), 2));  // of ten where nothing is known
    target.answer_seconds = 30;
    CHECK(is_about(drain_seconds(state, instance, kNow), 22));
    target.answer_seconds = 8;
    CHECK(is_about(drain_seconds(state, instance, kNow), 0.05));
    target.answer_seconds = 0;
    instance.demand.answer_time = 9s;
    CHECK(is_about(drain_seconds(state, instance, kNow), 1));
}
