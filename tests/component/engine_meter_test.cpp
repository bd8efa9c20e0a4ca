// What Prometheus is told of an engine, against what the engine did.

#include <plimsoll/engine/meter.hpp>
#include <plimsoll/metrics/registry.hpp>

#include "component/engine_rig.hpp"

#include <cmath>
#include <sstream>
#include <string>

namespace plimsoll::test {
namespace {

// The value of one series, as written; empty: there is none.
std::string value_of(metrics::Registry& registry, std::string const& series) {
    std::istringstream lines(registry.read());
    std::string line;
    while (std::getline(lines, line)) {
        if (line.starts_with(series + " ")) {
            return line.substr(series.size() + 1);
        }
    }
    return {};
}

struct MeterRig {
    explicit MeterRig(Bytes budget = gibibytes(10)) : rig(budget) {
        rig.add("a:1", "wa", gibibytes(6));
        rig.add("b:1", "wb", gibibytes(6));
    }

    void start() {
        rig.engine.emplace(rig.loop, rig.provider, rig.store, rig.config);
        rig.engine->observe(engine::make_meter(registry, *rig.engine));
        rig.engine->start();
        rig.until([this] { return rig.engine->is_ready(); });
        rig.loop.poll();
    }

    std::string operator[](std::string const& series) { return value_of(registry, series); }

    metrics::Registry registry;
    Rig rig;
};

TEST_CASE("meter: a pool, its models and its queue as they are", "[engine][metrics][component]") {
    MeterRig m;
    m.start();
    CHECK(m[R"(plimsoll_upstream_up{upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_budget_bytes{upstream="fake"})"] == "10737418240");
    CHECK(m[R"(plimsoll_charged_bytes{upstream="fake"})"] == "0");
    CHECK(m[R"(plimsoll_model_charged_bytes{model="a:1",upstream="fake"})"].empty());
    auto const one = m.rig.ask("a:1");
    m.rig.loop.advance(3s);
    REQUIRE(one->has_lease());
    auto const two = m.rig.ask("b:1");
    m.rig.loop.advance(4s);
    CHECK(m[R"(plimsoll_charged_bytes{upstream="fake"})"] == "6442450944");
    CHECK(m[R"(plimsoll_peak_charged_bytes{upstream="fake"})"] == "6442450944");
    CHECK(m[R"(plimsoll_model_charged_bytes{model="a:1",upstream="fake"})"] == "6442450944");
    CHECK(m[R"(plimsoll_model_predicted_bytes{model="a:1",upstream="fake"})"] == "6442450944");
    CHECK(m[R"(plimsoll_model_measured_bytes{model="a:1",upstream="fake"})"] == "6442450944");
    CHECK(m[R"(plimsoll_model_leases{model="a:1",upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_queue_length{class="normal",upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_queue_length{class="high",upstream="fake"})"] == "0");
    CHECK(m[R"(plimsoll_queue_oldest_wait_seconds{upstream="fake"})"] == "4");
    CHECK(m[R"(plimsoll_queue_expected_wait_seconds{class="normal",upstream="fake"})"] != "0");
    CHECK_FALSE(m[R"(plimsoll_starvation_bound_seconds{upstream="fake"})"].empty());
    CHECK(m[R"(plimsoll_tickets_total{upstream="fake"})"] == "2");
    CHECK(m[R"(plimsoll_dispatches_total{upstream="fake"})"] == "1");
    m.rig.provider.is_down = true;
    m.rig.engine->suspect_upstream("test");
    m.rig.loop.advance(1s);
    CHECK(m[R"(plimsoll_upstream_up{upstream="fake"})"] == "0");
}

TEST_CASE("meter: a swap, its dead time and its wait", "[engine][metrics][component]") {
    MeterRig m;
    m.start();
    m.rig.load("a:1");
    m.rig.loop.advance(10s);
    CHECK(m[R"(plimsoll_swaps_total{upstream="fake"})"] == "0");
    CHECK(m[R"(plimsoll_swap_dead_seconds_count{upstream="fake"})"] == "0");
    CHECK(m[R"(plimsoll_load_seconds_sum{model="a:1",upstream="fake"})"] == "2");

    auto const one = m.rig.ask("b:1");
    m.rig.loop.advance(10s);
    REQUIRE(one->has_lease());
    CHECK(m[R"(plimsoll_swaps_total{upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_unloads_total{reason="eviction",upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_model_unloads_total{model="a:1",upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_model_loads_total{model="b:1",upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_loads_total{upstream="fake"})"] == "2");
    // The row goes 30 ms after the unload; the list is read after 5, 15 and some 35 ms.
    CHECK(m[R"(plimsoll_swap_dead_seconds_count{upstream="fake"})"] == "1");
    auto const dead = std::stod(m[R"(plimsoll_swap_dead_seconds_sum{upstream="fake"})"]);
    CHECK(dead >= 0.030);
    CHECK(dead < 0.040);
    CHECK(std::stod(m[R"(plimsoll_unload_seconds_sum{upstream="fake"})"]) == dead);
    CHECK(m[R"(plimsoll_queue_wait_seconds_count{class="normal",upstream="fake"})"] == "2");
    auto const waited =
        std::stod(m[R"(plimsoll_queue_wait_seconds_sum{class="normal",upstream="fake"})"]);
    CHECK(std::abs(waited - (2 + 2 + dead)) < 1e-9);
}

TEST_CASE(
    "meter: who left is no part of a later swap's dead time", "[engine][metrics][component]"
) {
    MeterRig m;
    m.rig.provider.ignores_unload = true;
    m.start();
    m.rig.load("a:1");
    m.rig.loop.advance(10s);
    auto const one = m.rig.ask("b:1");
    m.rig.loop.advance(10ms);
    REQUIRE(m[R"(plimsoll_unloads_total{reason="eviction",upstream="fake"})"] == "1");
    one->canceller.cancel();
    m.rig.provider.drop_row("a:1");
    m.rig.loop.advance(10min);
    CHECK(m[R"(plimsoll_swap_dead_seconds_count{upstream="fake"})"] == "0");
    auto const two = m.rig.ask("b:1");
    m.rig.loop.advance(10s);
    REQUIRE(two->has_lease());
    CHECK(m[R"(plimsoll_swap_dead_seconds_count{upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_swap_dead_seconds_sum{upstream="fake"})"] == "0");
}

TEST_CASE("meter: unloads by their reasons", "[engine][metrics][component]") {
    MeterRig m;
    auto const unloads = [&](std::string const& reason) {
        return m[R"(plimsoll_unloads_total{reason=")" + reason + "\",upstream=\"fake\"}"];
    };
    m.start();
    m.rig.load("a:1");
    auto const asked = m.rig.go(m.rig.engine->unload("a:1", m.rig.never));
    m.rig.loop.advance(1s);
    REQUIRE(*asked);
    CHECK(unloads("requested") == "1");

    m.rig.load("a:1");
    m.rig.loop.advance(10s);
    auto const cleaned = m.rig.go(m.rig.engine->cleanup(m.rig.never));
    m.rig.loop.advance(1s);
    REQUIRE(*cleaned);
    CHECK(unloads("cleanup") == "1");

    m.rig.load("a:1");
    m.rig.loop.advance(1h);
    CHECK(unloads("expiry") == "1");

    m.rig.load("a:1");
    auto lower = m.rig.config;
    lower.scheduler.budget = gibibytes(5);
    m.rig.engine->reconfigure(lower);
    m.rig.loop.advance(10s);
    CHECK(unloads("other") == "1");
    CHECK(unloads("requested") == "1");
    CHECK(unloads("eviction") == "0");
    CHECK(m[R"(plimsoll_model_unloads_total{model="a:1",upstream="fake"})"] == "4");
}

TEST_CASE("meter: refusals and failed loads by their reasons", "[engine][metrics][component]") {
    MeterRig m;
    m.rig.add("huge:1", "wh", gibibytes(60));
    m.start();
    CHECK(m[R"(plimsoll_refusals_total{reason="does_not_fit",upstream="fake"})"] == "0");
    auto const refused = m.rig.ask("huge:1");
    m.rig.loop.advance(1s);
    CHECK(refused->refused().kind == core::RefuseKind::DoesNotFit);
    CHECK(m[R"(plimsoll_refusals_total{reason="does_not_fit",upstream="fake"})"] == "1");

    m.rig.provider.load_error = upstream::LoadError{core::LoadFailure::Refused, "no such thing"};
    auto const failed = m.rig.ask("a:1");
    m.rig.loop.advance(10s);
    CHECK(failed->refused().kind == core::RefuseKind::LoadFailed);
    CHECK(m[R"(plimsoll_load_failures_total{reason="refused",upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_refusals_total{reason="load_failed",upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_load_seconds_count{model="a:1",upstream="fake"})"].empty());

    auto const gone = m.rig.ask("b:1");
    m.rig.loop.advance(500ms);
    gone->canceller.cancel();
    m.rig.loop.advance(5s);
    CHECK(m[R"(plimsoll_load_aborts_total{upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_load_failures_total{reason="aborted",upstream="fake"})"] == "0");
    CHECK(m[R"(plimsoll_cancellations_total{upstream="fake"})"] == "1");
}

TEST_CASE(
    "meter: what others load shows, and what is over the budget", "[engine][metrics][component]"
) {
    MeterRig m;
    m.start();
    m.rig.provider.put_row("b:1", gibibytes(12));
    m.rig.provider.ignores_unload = true;
    m.rig.engine->suspect_upstream("test");  // its list is read
    m.rig.loop.advance(2s);
    CHECK(m[R"(plimsoll_foreign_charged_bytes{upstream="fake"})"] == "12884901888");
    CHECK(m[R"(plimsoll_over_budget{upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_starvation_bound_seconds{upstream="fake"})"].empty());
    m.rig.loop.advance(2min);
    CHECK(m[R"(plimsoll_instances{state="suspect",upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_suspects_total{upstream="fake"})"] == "1");
    CHECK(m[R"(plimsoll_budget_violations_total{upstream="fake"})"] == "0");
}

TEST_CASE("meter: an engine that has gone tells nothing", "[engine][metrics][component]") {
    MeterRig m;
    m.start();
    m.rig.engine.reset();
    m.rig.loop.poll();
    CHECK(m[R"(plimsoll_budget_bytes{upstream="fake"})"].empty());
}

}  // namespace
}  // namespace plimsoll::test
