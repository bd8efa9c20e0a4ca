// What goes wrong in a run, and what its record says of it.

#include "chain_fixture.hpp"
#include <boost/json/parse.hpp>

#include <algorithm>
#include <semaphore>

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;

namespace {

std::string one_step(std::string const& params = "{}", std::string const& more = "") {
    return R"({"steps":[{"model":{"name":"a:1","params":)" + params +
           R"(},"instruction":"{input}")" + more + "}]}";
}

boost::json::object first_step(boost::json::object const& run) {
    return run.at("steps").as_array().at(0).as_object();
}

std::string error_kind(boost::json::object const& run) {
    return text(first_step(run).at("error").as_object(), "kind");
}

}  // namespace

TEST_CASE("chain: a model that is missing fails its step", "[chain][component]") {
    ChainFixture f;
    auto const run = f.run(R"({"steps":[{"model":"nope:1","instruction":"{input}"}]})");
    CHECK(text(run, "status") == "failed");
    CHECK(text(run, "error") == "model management failed: nope:1: model 'nope:1' not found");
    CHECK(error_kind(run) == "model management failed");
    CHECK(first_step(run).at("attempts") == 1);
}

TEST_CASE("chain: an upstream that is busy is asked again, then given up", "[chain][component]") {
    ChainFixture f;
    SECTION("and answers at last") {
        f.say = [](Question const& question) {
            return question.nth < 3 ? Said{.status = 502, .error = "bad gateway"}
                                    : Said{.content = "done"};
        };
        auto const run = f.run(one_step());
        CHECK(text(run, "output") == "done");
        CHECK(first_step(run).at("attempts") == 3);
        CHECK(first_step(run).at("failures") == 2);
    }
    SECTION("and never answers") {
        f.say = [](Question const&) { return Said{.status = 502, .error = "bad gateway"}; };
        auto const run = f.run(one_step(R"({"max_retries":3})"));
        CHECK(text(run, "status") == "failed");
        CHECK_THAT(
            text(run, "error"), ContainsSubstring("failed to connect after 3 attempts: bad gateway")
        );
        CHECK(f.asked.size() == 3);
        CHECK(error_kind(run) == "upstream failed");
    }
}

TEST_CASE("chain: an answer that breaks off is asked for again", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const& question) {
        return Said{.content = "part", .breaks_off = question.nth == 1};
    };
    auto const events = f.events(one_step());
    auto const tokens = of_kind(events, "token");
    REQUIRE(tokens.size() == 2);
    CHECK_FALSE(tokens[0].contains("attempt"));
    CHECK(tokens[1].at("attempt") == 2);
    CHECK(text(events.back(), "output") == "part");
    CHECK(of_kind(events, "warning").size() == 1);
}

TEST_CASE("chain: what the upstream refuses is not tried again", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.status = 400, .error = "invalid format"}; };
    auto const run = f.run(one_step());
    CHECK(text(run, "error") == "refused: a:1: invalid format");
    CHECK(f.asked.size() == 1);
}

TEST_CASE("chain: a step has its own time", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "late", .after = 1h}; };
    auto const run = f.run(one_step(R"({"timeout":2})"));
    CHECK(text(run, "status") == "failed");
    CHECK_THAT(text(run, "error"), ContainsSubstring("timeout: a:1: not done within 2 s"));
    CHECK(error_kind(run) == "timeout");
    CHECK(f.engine->snapshot().instances.empty());  // nothing is left behind
}

TEST_CASE("chain: the whole run has its time", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "late", .after = 1h}; };
    auto const run = f.run(R"({"timeout":3,"steps":[{"model":"a:1","instruction":"{input}"}]})");
    CHECK(text(run, "status") == "failed");
    CHECK_THAT(text(run, "error"), ContainsSubstring("timeout: not done within 3 s, the run's"));
}

TEST_CASE("chain: fallbacks are tried in order", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const& question) {
        return question.model == "c:1" ? Said{.content = "third"}
                                       : Said{.status = 400, .error = "no " + question.model};
    };
    auto const run = f.run(one_step("{}", R"(,"fallbacks":["b:1","c:1","d:1"])"));
    CHECK(text(run, "output") == "third");
    CHECK(text(first_step(run), "model") == "c:1");
    CHECK(f.asked.size() == 3);
    auto const failed = f.run(one_step("{}", R"(,"fallbacks":["b:1"])"));
    CHECK_THAT(
        text(failed, "error"), ContainsSubstring("all 2 models failed: a:1: no a:1; b:1: no b:1")
    );
}

TEST_CASE("chain: a load that fails is a failure of model management", "[chain][component]") {
    engine::EngineConfig config;
    config.scheduler.budget = mebibytes(1);  // nothing fits
    ChainFixture f(config);
    auto const run = f.run(one_step());
    CHECK(error_kind(run) == "model management failed");
    CHECK_THAT(text(run, "error"), Catch::StartsWith("model management failed: a:1: "));
}

TEST_CASE("chain: a model that does not unload is a warning", "[chain][component]") {
    engine::EngineConfig config;
    config.scheduler.unload_timeout = 500ms;
    ChainFixture f(config);
    f.ollama.ignores_unload = true;
    auto const events = f.events(one_step());
    CHECK(text(events.back(), "status") == "succeeded");
    auto const warnings = of_kind(events, "warning");
    REQUIRE(warnings.size() == 1);
    CHECK_THAT(text(warnings[0], "text"), ContainsSubstring("a:1 may still be loaded"));
}

TEST_CASE("chain: a client that leaves ends its run and gives all back", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "late", .after = 1h}; };
    auto const client = f.connect();
    client->send(post_text(
        "/plimsoll/v1/chains/run", R"({"steps":[{"model":"a:1","instruction":"x"}],"stream":true})"
    ));
    REQUIRE(f.pump([&] { return f.asked.size() == 1; }));
    client->close();
    REQUIRE(f.pump([&] { return f.engine->snapshot().instances.empty(); }));
    auto const runs = f.get_json("/plimsoll/v1/runs");
    auto const& run = runs.at("runs").as_array().at(0).as_object();
    CHECK(text(run, "status") == "cancelled");
    CHECK(text(run, "error") == "the client left");
}

TEST_CASE(
    "chain: an asynchronous run outlives its client, and can be cancelled", "[chain][component]"
) {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "late", .after = 1h}; };
    auto const accepted = f.post(
        "/plimsoll/v1/chains/run",
        R"({"steps":[{"model":"a:1","instruction":"x"}]})",
        "Prefer: respond-async\r\n"
    );
    CHECK(status_of(accepted) == 202);
    auto const url = field_of(accepted, "Location");
    REQUIRE(f.pump([&] { return f.asked.size() == 1; }));
    // Nobody waits for it, so its steps give way.
    CHECK(f.ollama.last("POST /api/chat").fields.get("Priority") == "u=5");
    CHECK(text(f.get_json(url), "status") == "running");
    auto const cancelled = f.request("DELETE", url);
    CHECK(status_of(cancelled) == 200);
    CHECK(text(parse_object(body_of(cancelled)), "status") == "cancelled");
    CHECK(f.engine->snapshot().instances.empty());
    CHECK(status_of(f.request("DELETE", url)) == 409);
    CHECK(status_of(f.get("/plimsoll/v1/runs/nope")) == 404);
}

TEST_CASE("chain: a run that failed is resumed behind what had ended", "[chain][component]") {
    ChainFixture f;
    bool is_broken = true;
    f.say = [&](Question const& question) {
        return is_broken && question.model == "b:1" ? Said{.status = 400, .error = "no"}
                                                    : Said{.content = question.user + "!"};
    };
    auto const failed = f.run(R"({"models":["a:1","b:1"],"instructions":["{input}","{input}"]})");
    CHECK(text(failed, "status") == "failed");
    is_broken = false;
    auto const url = "/plimsoll/v1/runs/" + text(failed, "id");
    auto const resumed = f.post(url + "/resume", "");
    CHECK(status_of(resumed) == 202);
    REQUIRE(f.pump([&] { return text(f.get_json(url), "status") == "succeeded"; }));
    auto const run = f.get_json(url);
    CHECK(text(run, "output") == "in!!");
    CHECK(f.asked.size() == 3);  // a, b, b: the first step did not run twice
    CHECK(status_of(f.post(url + "/resume", "")) == 409);
    auto const events = f.get(url + "/events");
    CHECK_THAT(events, ContainsSubstring(R"("resumed":true)"));
}

TEST_CASE("chain: more runs than allowed at a time are refused", "[chain][component]") {
    chain::ChainsConfig config;
    config.max_runs = 1;
    ChainFixture f({}, config);
    f.say = [](Question const&) { return Said{.content = "late", .after = 1h}; };
    std::string const body = R"({"steps":[{"model":"a:1","instruction":"x"}]})";
    CHECK(status_of(f.post("/plimsoll/v1/chains/run", body, "Prefer: respond-async\r\n")) == 202);
    auto const second = f.post("/plimsoll/v1/chains/run", body);
    CHECK(status_of(second) == 503);
    CHECK_THAT(body_of(second), ContainsSubstring("max_runs"));
}

TEST_CASE("chain: what has happened so far of a run that goes on", "[chain][component]") {
    ChainFixture f;
    f.say = [](Question const&) { return Said{.content = "late", .after = 1h}; };
    std::string const body = R"({"steps":[{"model":"a:1","instruction":"x"}]})";
    auto const begun = f.post("/plimsoll/v1/chains/run", body, "Prefer: respond-async\r\n");
    auto const url = text(boost::json::parse(body_of(begun)).as_object(), "url");
    REQUIRE(f.pump([&] { return f.asked.size() == 1; }));
    auto const so_far = f.get(url + "/events?follow=0");
    CHECK_THAT(so_far, ContainsSubstring("step_started"));
    CHECK_THAT(so_far, !ContainsSubstring("run_finished"));
    CHECK(text(f.get_json(url), "status") == "running");
    CHECK(status_of(f.get(url + "/events?after=x")) == 400);
    CHECK(status_of(f.get("/plimsoll/v1/runs?limit=0")) == 400);
}

TEST_CASE(
    "chain: nobody is told that a step ended before that is written down", "[chain][component]"
) {
    std::binary_semaphore may_write(0);
    ChainFixture f;
    f.say = [&](Question const&) {
        f.loop.run_blocking([&] { may_write.acquire(); }, [] {});  // before what is written then
        return Said{.content = "said"};
    };
    std::string const body = R"({"steps":[{"model":"a:1","instruction":"x"}]})";
    auto const begun = f.post("/plimsoll/v1/chains/run", body, "Prefer: respond-async\r\n");
    auto const url = text(boost::json::parse(body_of(begun)).as_object(), "url");
    REQUIRE(f.pump([&] { return f.asked.size() == 1; }));
    f.settle();
    auto const run = f.get_json(url);
    auto const events = f.get(url + "/events?follow=0");
    may_write.release();  // before any check, which would leave the loop waiting
    CHECK(run.at("steps").as_array().empty());
    CHECK_THAT(events, ContainsSubstring("model_loaded"));
    CHECK_THAT(events, !ContainsSubstring("step_finished"));
    REQUIRE(f.pump([&] { return text(f.get_json(url), "status") == "succeeded"; }));
    CHECK(f.get_json(url).at("steps").as_array().size() == 1);
    CHECK_THAT(f.get(url + "/events?follow=0"), ContainsSubstring("step_finished"));
}

TEST_CASE("chain: what is wrong with a request is said at once", "[chain][component]") {
    ChainFixture f;
    std::string const url = "/plimsoll/v1/chains/run";
    CHECK_THAT(f.post(url, "{\n  \"steps\": [}"), ContainsSubstring("line 2, column 13"));
    CHECK_THAT(f.post(url, "[]"), ContainsSubstring("must be a JSON object"));
    CHECK_THAT(f.post(url, R"({"input":1})"), ContainsSubstring("\\\"input\\\" must be a string"));
    CHECK_THAT(f.post(url, R"({"chain":{},"inptu":""})"), ContainsSubstring("inptu"));
    CHECK_THAT(
        f.post(
            url,
            R"({"steps":[{"model":{"name":"a:1","params":{"api_base":"http://10.0.0.1:11434"}},"instruction":"x"}]})"
        ),
        ContainsSubstring("is no configured upstream")
    );
    CHECK_THAT(
        f.post(url, R"({"steps":[{"kind":"tool","server":"files","tool":"read"}]})"),
        ContainsSubstring("no MCP server")
    );
    CHECK(f.asked.empty());
}
