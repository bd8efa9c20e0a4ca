#include "proxy/headers.hpp"

#include "support/catch.hpp"

using namespace plimsoll;

TEST_CASE(
    "headers: what authenticates or locates a client does not go upstream", "[proxy][headers]"
) {
    http::RequestHead head;
    head.host = "example.internal:11435";
    for (auto const* name :
         {"Authorization",
          "Cookie",
          "X-Api-Key",
          "Origin",
          "Referer",
          "Accept-Encoding",
          "Connection",
          "X-Forwarded-Host",
          "Forwarded",
          "Transfer-Encoding",
          "X-Plimsoll-Deadline"}) {
        head.fields.add(name, "secret");
    }
    head.fields.add("User-Agent", "GitHubCopilotChat/1.0");
    head.fields.add("Content-Type", "application/json");
    head.fields.add("anthropic-version", "2023-06-01");
    auto const out = proxy::upstream_fields(head, false);
    for (auto const field : out) {
        CAPTURE(field.name);
        CHECK(field.value != "secret");
    }
    CHECK(out.get("User-Agent") == "GitHubCopilotChat/1.0");
    CHECK(out.get("anthropic-version") == "2023-06-01");
    CHECK(out.get("X-Forwarded-Host") == "example.internal:11435");
    CHECK(out.get("Via") == "1.1 plimsoll");
}

TEST_CASE(
    "headers: Content-Encoding goes when the body was decoded, and stays when not",
    "[proxy][headers]"
) {
    http::RequestHead head;
    head.fields.add("Content-Encoding", "zstd");
    CHECK(proxy::upstream_fields(head, false).get("Content-Encoding") == "zstd");
    CHECK_FALSE(proxy::upstream_fields(head, true).get("Content-Encoding").has_value());
}

TEST_CASE(
    "headers: the target is the canonical path, encoded, with the query as sent", "[proxy][headers]"
) {
    http::RequestHead head;
    head.path = "/api/generate";
    head.query = "a=%20b";
    head.has_query = true;
    CHECK(proxy::upstream_target(head, true) == "/api/generate?a=%20b");
    CHECK(proxy::upstream_target(head, false) == "/api/generate");
    head.path = "/v1/models/a b";
    head.has_query = false;
    CHECK(proxy::upstream_target(head, true) == "/v1/models/a%20b");
}

TEST_CASE(
    "headers: the upstream's CORS and our own names do not come back from it", "[proxy][headers]"
) {
    http::ResponseHead head;
    head.fields.add("Access-Control-Allow-Origin", "*");
    head.fields.add("Vary", "Origin");
    head.fields.add("Vary", "Accept");
    head.fields.add("X-Request-Id", "theirs");
    head.fields.add("X-Plimsoll-Adjusted", "lie");
    head.fields.add("Connection", "close");
    head.fields.add("Content-Type", "application/x-ndjson");
    auto const out = proxy::client_fields(head);
    CHECK(out.size() == 2);
    CHECK(out.get("Vary") == "Accept");
    CHECK(out.get("Content-Type") == "application/x-ndjson");
}
