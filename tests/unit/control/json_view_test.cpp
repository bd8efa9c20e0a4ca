#include "control/json_view.hpp"

#include "support/catch.hpp"

#include <boost/json/serialize.hpp>

using namespace plimsoll;

TEST_CASE("control json: an instance with everything that docs/api.md promises", "[control]") {
    core::InstanceView view;
    view.id = core::InstanceId{7};
    view.model = "smollm2:135m";
    view.weights = "sha256-abc";
    view.state = core::InstanceState::Ready;
    view.form = core::Form::Pinned;
    view.settings = {8192, 512, {}};
    view.settings.options.num_thread = 4;
    view.charge = Bytes(1000);
    view.load_took = std::chrono::milliseconds(1500);
    view.since = TimePoint(std::chrono::seconds(90));
    view.last_used = TimePoint(std::chrono::seconds(95));
    view.expires = TimePoint(std::chrono::seconds(130));
    upstream::UpstreamConfig config;
    auto const now = TimePoint(std::chrono::seconds(100));
    auto const out = control::instance_json(view, config, now);
    CHECK(out.at("id") == 7U);
    CHECK(out.at("name") == "smollm2:135m");
    CHECK(out.at("provider") == "ollama");
    CHECK(out.at("state") == "ready");
    CHECK(out.at("form") == "pinned");
    CHECK(out.at("num_ctx") == 8192U);
    CHECK(out.at("options") == boost::json::object{{"num_thread", 4}});
    CHECK(out.at("charge_bytes") == 1000U);
    CHECK(out.at("load_seconds") == 1.5);
    CHECK(out.at("state_seconds") == 10.0);
    CHECK(out.at("last_used_seconds_ago") == 5.0);
    CHECK(out.at("loaded_seconds_ago").is_null());
    CHECK(out.at("expires_in_seconds") == 30.0);
}

TEST_CASE("control json: an instance that never expires says null", "[control]") {
    auto const out = control::instance_json({}, {}, TimePoint{});
    CHECK(out.at("expires_in_seconds").is_null());
    CHECK(out.at("load_seconds").is_null());
}

TEST_CASE("control json: every enumerator has a word", "[control]") {
    CHECK(control::to_string(core::InstanceState::Suspect) == "suspect");
    CHECK(control::to_string(core::Form::Bare) == "bare");
    CHECK(control::to_string(core::Priority::High) == "high");
    auto const counters = control::counters_json({});
    CHECK(counters.at("violations") == 0U);
    CHECK(counters.size() == 14);
}
