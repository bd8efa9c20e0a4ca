#include "support/catch.hpp"

#include "proxy_fixture.hpp"
#include <boost/json.hpp>

using namespace plimsoll;
using namespace plimsoll::test;

namespace {

boost::json::value json_of(std::string const& answer) {
    boost::system::error_code broken;
    auto value = boost::json::parse(body_of(answer), broken);
    CAPTURE(answer);
    REQUIRE_FALSE(broken);
    return value;
}

std::string patch(ProxyFixture& f, std::string const& body) {
    return f.ask(
        "PATCH /plimsoll/v1/settings HTTP/1.1\r\nHost: localhost\r\nConnection: "
        "close\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body
    );
}

}  // namespace

TEST_CASE(
    "control: alive, and ready only while the upstream is up and nothing drains",
    "[control][component]"
) {
    ProxyFixture f;
    CHECK(status_of(f.get("/healthz")) == 200);
    CHECK(status_of(f.get("/readyz")) == 200);
    f.draining = true;
    auto const answer = f.get("/readyz");
    CHECK(status_of(answer) == 503);
    CHECK(json_of(answer).at("ready") == false);
    CHECK(json_of(answer).at("why").as_array().size() == 1);
}

TEST_CASE("control: load, list, pin, unpin, unload", "[control][component]") {
    ProxyFixture f;
    auto const loaded =
        json_of(f.post("/plimsoll/v1/models/load", R"({"model":"smollm2:135m","num_ctx":2048})"));
    CHECK(loaded.at("name") == "smollm2:135m");
    CHECK(loaded.at("state") == "ready");
    CHECK(loaded.at("num_ctx") == 2048U);
    auto const models = json_of(f.get("/plimsoll/v1/models"));
    REQUIRE(models.at("models").as_array().size() == 1);
    auto const status = json_of(f.get("/plimsoll/v1/status"));
    CHECK(status.at("charged_bytes").to_number<std::uint64_t>() > 0);
    CHECK(status.at("upstreams").at(0).at("up") == true);
    CHECK(status.at("queue") == 0U);
    CHECK(
        json_of(f.post("/plimsoll/v1/models/pin", R"({"model":"smollm2:135m","num_ctx":2048})"))
            .at("pinned") == true
    );
    CHECK(status_of(f.post("/plimsoll/v1/models/unpin", R"({"model":"smollm2:135m"})")) == 200);
    CHECK(
        json_of(f.post("/plimsoll/v1/models/unload", R"({"model":"smollm2:135m"})")).at("state") ==
        "absent"
    );
    CHECK(f.ollama.loaded.empty());
}

TEST_CASE("control: what is wrong with a request is said in one sentence", "[control][component]") {
    ProxyFixture f;
    auto const unknown = f.post("/plimsoll/v1/models/load", R"({"model":"absent:1b"})");
    CHECK(status_of(unknown) == 404);
    auto const nameless = f.post("/plimsoll/v1/models/load", "{}");
    CHECK(status_of(nameless) == 400);
    auto const misspelt = f.post("/plimsoll/v1/models/load", R"({"modell":"x"})");
    CHECK_THAT(body_of(misspelt), ContainsSubstring("did you mean"));
    auto const wrong_method = f.get("/plimsoll/v1/models/load");
    CHECK(status_of(wrong_method) == 405);
    CHECK(field_of(wrong_method, "Allow") == "POST");
    auto const nothing = f.get("/plimsoll/v1/nothing");
    CHECK(status_of(nothing) == 404);
    CHECK_THAT(body_of(nothing), ContainsSubstring("GET /plimsoll/v1/status"));
}

TEST_CASE("control: settings change at run time, all or nothing", "[control][component]") {
    ProxyFixture f;
    auto const changed = json_of(patch(f, R"({"auto_unload":false,"default_keep_alive":"10m"})"));
    CHECK(changed.at("auto_unload") == false);
    CHECK(changed.at("default_keep_alive_seconds") == 600.0);
    CHECK_FALSE(f.engine->config().scheduler.auto_unload);
    auto const wrong = patch(f, R"({"auto_unload":true,"verbos":true})");
    CHECK(status_of(wrong) == 400);
    CHECK_THAT(body_of(wrong), ContainsSubstring(R"(did you mean \"verbose\"?)"));
    CHECK_FALSE(f.engine->config().scheduler.auto_unload);
}

TEST_CASE(
    "control: a watched load tells its progress and ends with the instance", "[control][component]"
) {
    ProxyFixture f;
    f.ollama.load_time = std::chrono::seconds(2);
    auto const answer = f.post(
        "/plimsoll/v1/models/load", R"({"model":"smollm2:135m"})", "Accept: text/event-stream\r\n"
    );
    CHECK(field_of(answer, "Content-Type") == "text/event-stream");
    CHECK_THAT(answer, ContainsSubstring("event: progress\ndata: {"));
    CHECK_THAT(answer, ContainsSubstring(R"("state":"loading")"));
    CHECK_THAT(answer, ContainsSubstring("event: loaded\ndata: {"));
    CHECK_THAT(answer, ContainsSubstring("0\r\n\r\n"));
}

TEST_CASE("control: an operator who leaves takes the load back", "[control][component]") {
    ProxyFixture f;
    f.ollama.load_time = std::chrono::seconds(60);
    auto const peer = f.connect();
    peer->send(post_text(
        "/plimsoll/v1/models/load", R"({"model":"smollm2:135m"})", "Accept: text/event-stream\r\n"
    ));
    REQUIRE(f.pump([&] { return peer->has(R"("state":"loading")"); }));
    peer->close();
    CHECK(f.pump([&] { return f.engine->snapshot().counters.loads_aborted == 1; }));
}

TEST_CASE(
    "control: events come as they happen, and again after the last one seen", "[control][component]"
) {
    ProxyFixture f;
    auto const peer = f.connect();
    peer->send("GET /plimsoll/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(f.pump([&] { return peer->has("text/event-stream"); }));
    f.post("/api/generate", R"({"model":"smollm2:135m"})");
    REQUIRE(f.pump([&] { return peer->has("event: load\n"); }));
    peer->close();
    auto const again = f.connect();
    again->send("GET /plimsoll/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 0\r\n\r\n");
    REQUIRE(f.pump([&] { return again->has("event: load\n"); }));
    f.draining = true;
    CHECK(f.pump([&] { return again->has("0\r\n\r\n"); }));  // a drain does not wait for the stream
}

TEST_CASE(
    "control: events that happened, and the end, for who does not follow", "[control][component]"
) {
    ProxyFixture f;
    f.post("/api/generate", R"({"model":"smollm2:135m"})");
    auto const all = f.get("/plimsoll/v1/events?follow=0");
    CHECK(field_of(all, "Content-Type") == "text/event-stream");
    CHECK_THAT(all, ContainsSubstring("event: load\n"));
    auto const last = f.engine->recent_events(0).back().sequence;
    CHECK(body_of(f.get("/plimsoll/v1/events?follow=0&after=" + std::to_string(last))).empty());
    // From before a restart: all of this is news.
    CHECK(body_of(f.get("/plimsoll/v1/events?follow=0&after=1000000")) == body_of(all));
    auto const foreign_id = f.ask(
        "GET /plimsoll/v1/events?follow=0&after=0 HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: close\r\nLast-Event-ID: other\r\n\r\n"
    );
    CHECK(body_of(foreign_id) == body_of(all));
    CHECK(status_of(f.get("/plimsoll/v1/events?after=1,2")) == 400);
    auto const misspelt = f.get("/plimsoll/v1/events?folow=0");
    CHECK(status_of(misspelt) == 400);
    CHECK_THAT(body_of(misspelt), ContainsSubstring("did you mean"));
    auto const wrong = f.post("/plimsoll/v1/models/load?progress=maybe", R"({"model":"a"})");
    CHECK(status_of(wrong) == 400);
}

TEST_CASE("control: the interface describes itself", "[control][component]") {
    ProxyFixture f;
    auto const answer = f.get("/plimsoll/v1/openapi.yaml");
    CHECK(status_of(answer) == 200);
    CHECK(field_of(answer, "Content-Type") == "application/yaml");
    CHECK(body_of(answer).starts_with("openapi: 3.1.0\n"));
    CHECK_THAT(body_of(answer), ContainsSubstring("\n  /plimsoll/v1/status:\n"));
}

TEST_CASE("control: cleanup says what went and what stayed", "[control][component]") {
    ProxyFixture f;
    f.post("/api/generate", R"({"model":"smollm2:135m"})");
    CHECK(status_of(f.post("/plimsoll/v1/cleanup", "\r")) == 400);  // no JSON, and not nothing
    auto const report = json_of(f.post("/plimsoll/v1/cleanup", ""));
    CHECK(report.at("unloaded").as_array().size() + report.at("kept").as_array().size() == 1);
}

TEST_CASE(
    "control: an estimate says the bytes by part, and loads nothing", "[control][component]"
) {
    ProxyFixture f;
    auto const ask = [&](std::string const& more) {
        return f.post("/plimsoll/v1/estimate", R"({"model":"smollm2:135m")" + more + "}");
    };
    auto const plain = json_of(ask(""));
    auto const number = [](boost::json::value const& object, char const* name) {
        return object.at(name).to_number<std::uint64_t>();
    };
    CHECK(number(plain, "num_ctx") == 4096);
    CHECK(
        number(plain, "total") == number(plain, "weights") + number(plain, "kv") +
                                      number(plain, "compute") + number(plain, "overhead")
    );
    CHECK(number(plain, "fit_bytes") == number(plain, "budget_bytes"));
    CHECK(plain.at("fit_by") == "booked");
    CHECK(plain.at("measured").is_null());
    CHECK(json_of(f.get("/plimsoll/v1/models")).at("models").as_array().empty());
    auto const wide =
        json_of(ask(R"(,"parallel":4,"num_ctx":2048,"kv_cache_type":"q8_0","fit":"2GiB")"));
    CHECK(number(wide, "parallel") == 4);
    CHECK(number(wide, "num_ctx") == 2048);
    CHECK(number(wide, "fit_bytes") == gibibytes(2).count());
    CHECK(wide.at("fit_by") == "predicted");
    CHECK(number(json_of(ask(R"(,"fit":2147483648.0)")), "fit_bytes") == gibibytes(2).count());
    auto const off = json_of(ask(R"(,"kv_cache_type":"q4_0","flash_attention":"off")"));
    CHECK_FALSE(off.at("loads").as_bool());
    CHECK(off.at("total").is_null());
    for (auto const* wrong :
         {R"(,"num_ctx":0)",
          R"(,"num_ctx":"many")",
          R"(,"parallel":-1)",
          R"(,"kv_cache_type":"q5_1")",
          R"(,"flash_attention":1)",
          R"(,"fit":"much")",
          R"(,"fit":-1)",
          R"(,"fit":1.5)",
          R"(,"fit":1e300)",
          R"(,"num_ctxx":1)"}) {
        CAPTURE(wrong);
        CHECK(status_of(ask(wrong)) == 400);
    }
    CHECK(status_of(f.post("/plimsoll/v1/estimate", R"({"model":"nobody:1b"})")) == 404);
}

TEST_CASE("control: a plan says what would happen, and does nothing", "[control][component]") {
    ProxyFixture f;
    auto const cold = json_of(f.post("/plimsoll/v1/plan", R"({"model":"smollm2:135m"})"));
    CHECK(cold.at("outcome") == "waits");
    CHECK(cold.at("wait_seconds").to_number<double>() > 0);
    CHECK(cold.at("charge_bytes").to_number<std::uint64_t>() > 0);
    REQUIRE(cold.at("steps").as_array().size() == 3);
    CHECK(cold.at("steps").at(0).at("what") == "load");
    CHECK(json_of(f.get("/plimsoll/v1/models")).at("models").as_array().empty());
    f.post("/plimsoll/v1/models/load", R"({"model":"smollm2:135m"})");
    auto const warm = json_of(f.post("/plimsoll/v1/plan", R"({"model":"smollm2:135m"})"));
    CHECK(warm.at("outcome") == "at_once");
    auto const unknown = f.post("/plimsoll/v1/plan", R"({"model":"nobody:1b"})");
    CHECK(status_of(unknown) == 404);
    auto const wrong =
        f.post("/plimsoll/v1/plan", R"({"model":"smollm2:135m","priority":"urgent"})");
    CHECK(status_of(wrong) == 400);
    CHECK_THAT(wrong, ContainsSubstring("low"));
}
