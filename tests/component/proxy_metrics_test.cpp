// GET /metrics through the whole front half, against what a client did.

#include "support/catch.hpp"

#include "proxy_fixture.hpp"

#include <set>
#include <sstream>
#include <string>

using namespace plimsoll;
using namespace plimsoll::test;

namespace {

// Of the answer's body: the value of one series, as written; empty: there is none.
std::string value_of(std::string const& answer, std::string const& series) {
    std::istringstream lines(body_of(answer));
    std::string line;
    while (std::getline(lines, line)) {
        if (line.starts_with(series + " ")) {
            return line.substr(series.size() + 1);
        }
    }
    return {};
}

std::string requests(ProxyFixture& f, std::string const& route, std::string const& code) {
    return value_of(
        f.get("/metrics"), "plimsoll_requests_total{code=\"" + code + "\",route=\"" + route + "\"}"
    );
}

// Samples that are not about what is asked for by asking.
std::size_t count_series(std::string const& answer) {
    std::istringstream lines(body_of(answer));
    std::string line;
    std::size_t count = 0;
    while (std::getline(lines, line)) {
        count += line.starts_with('#') ? 0 : 1;
    }
    return count;
}

}  // namespace

TEST_CASE("metrics: answered in Prometheus' text format", "[control][metrics][component]") {
    ProxyFixture f;
    auto const answer = f.get("/metrics");
    CHECK(status_of(answer) == 200);
    CHECK(field_of(answer, "Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(field_of(answer, "Cache-Control") == "no-store");
    CHECK_THAT(body_of(answer), ContainsSubstring("# TYPE plimsoll_budget_bytes gauge\n"));
    CHECK(value_of(answer, "plimsoll_upstream_up{upstream=\"ollama\"}") == "1");
    auto const wrong = f.post("/metrics", "{}");
    CHECK(status_of(wrong) == 405);
    CHECK(field_of(wrong, "Allow") == "GET, HEAD");
}

TEST_CASE(
    "metrics: requests, bytes and times of what a client did", "[proxy][metrics][component]"
) {
    ProxyFixture f;
    std::string const body = R"({"model":"smollm2:135m","prompt":"hi","stream":false})";
    auto const one = f.post("/api/generate", body);
    auto const two = f.post("/api/generate", body);
    REQUIRE(status_of(one) == 200);
    REQUIRE(status_of(two) == 200);
    CHECK(status_of(f.post("/api/generate", R"({"model":"absent:1b","prompt":"hi"})")) == 404);
    CHECK(status_of(f.post("/api/chat", "{")) == 400);
    CHECK(requests(f, "/api/generate", "200") == "2");
    CHECK(requests(f, "/api/generate", "404") == "1");
    CHECK(requests(f, "/api/chat", "400") == "1");
    auto const read = f.get("/metrics");
    std::string const refused = R"({"model":"absent:1b","prompt":"hi"})";
    CHECK(
        value_of(read, R"(plimsoll_request_body_bytes_total{route="/api/generate"})") ==
        std::to_string(2 * body.size() + refused.size())
    );
    auto const answered = body_of(one).size() + body_of(two).size();
    auto const sent =
        std::stoul(value_of(read, R"(plimsoll_response_body_bytes_total{route="/api/generate"})"));
    CHECK(sent > answered);         // the refusal's text, too
    CHECK(sent < answered + 1000);  // and nothing else
    CHECK(
        value_of(
            read, R"(plimsoll_first_byte_seconds_count{model="smollm2:135m",upstream="ollama"})"
        ) == "2"
    );
    CHECK(value_of(read, "plimsoll_requests_in_flight") == "1");  // the one that reads
    CHECK(value_of(read, R"(plimsoll_loads_total{upstream="ollama"})") == "1");
}

TEST_CASE(
    "metrics: preflights and foreign hosts count with their status", "[proxy][metrics][component]"
) {
    proxy::ProxyConfig config;
    config.origins.check_host = true;
    ProxyFixture f({}, config);
    CHECK(
        status_of(f.ask("GET /api/tags HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        ) == 403
    );
    CHECK(requests(f, "/api/tags", "403") == "1");
}

TEST_CASE("metrics: invented paths and models add no series", "[proxy][metrics][component]") {
    ProxyFixture f;
    auto const ask_all = [&](std::string const& name) {
        f.get("/x" + name);
        f.post("/y" + name, "{}");
        f.get("/plimsoll/v1/runs/" + name);
        f.get("/plimsoll/z" + name);
        f.post("/api/generate", R"({"model":"m)" + name + R"(:1b","prompt":"hi"})");
        f.post("/v1/chat/completions", R"({"model":"\n)" + name + R"(","messages":[]})");
    };
    ask_all("first");
    f.get("/metrics");
    auto const before = count_series(f.get("/metrics"));
    for (int i = 0; i < 50; ++i) {
        ask_all(std::to_string(i));
    }
    CHECK(count_series(f.get("/metrics")) == before);
    CHECK_THAT(f.get("/metrics"), !ContainsSubstring("m49"));
}

TEST_CASE(
    "metrics: a client that leaves in mid-answer is counted once", "[proxy][metrics][component]"
) {
    ProxyFixture f;
    net::Flag never(f.loop);
    f.ollama.on_inference = [&](net::Exchange& exchange) -> net::Task<void> {
        static_cast<void>(
            co_await exchange.start(200, "OK", {}, {http::Framing::Kind::Chunked, 0}, true)
        );
        static_cast<void>(co_await exchange.write("{\"response\":\"a\"}\n"));
        static_cast<void>(co_await never.wait(std::nullopt, &exchange.canceller()));
        exchange.abort();
    };
    auto client = f.connect();
    client->send(post_text("/api/generate", R"({"model":"smollm2:135m","prompt":"hi"})"));
    REQUIRE(f.pump([&] { return client->has("response"); }));
    CHECK(value_of(f.get("/metrics"), "plimsoll_requests_in_flight") == "2");
    client->close();
    f.settle();
    CHECK(value_of(f.get("/metrics"), "plimsoll_requests_in_flight") == "1");
    CHECK(requests(f, "/api/generate", "200") == "1");
    // It had its slot.
    CHECK(value_of(f.get("/metrics"), R"(plimsoll_cancellations_total{upstream="ollama"})") == "0");
}
