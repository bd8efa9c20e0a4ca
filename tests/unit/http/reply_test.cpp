#include "support/catch.hpp"

#include <plimsoll/http/reply.hpp>

using namespace plimsoll;
using namespace plimsoll::http;
using namespace std::chrono_literals;

TEST_CASE("reply: errors have the shape of the API that was called", "[http][reply][golden]") {
    auto const body = [](Dialect dialect, unsigned status) {
        return error_reply(dialect, status, "model 'x' not found", "req_1").body;
    };
    CHECK(body(Dialect::Ollama, 404) == R"({"error":"model 'x' not found"})");
    CHECK(body(Dialect::Plimsoll, 404) == R"({"error":"model 'x' not found"})");
    CHECK(
        body(Dialect::OpenAi, 404) ==
        R"({"error":{"message":"model 'x' not found","type":"not_found_error","param":null,"code":null}})"
    );
    CHECK(
        body(Dialect::Anthropic, 404) ==
        R"({"type":"error","error":{"type":"not_found_error","message":"model 'x' not found"},"request_id":"req_1"})"
    );
    CHECK(
        error_reply(Dialect::Anthropic, 500, "m").body ==
        R"({"type":"error","error":{"type":"api_error","message":"m"}})"
    );
    CHECK(
        error_reply(Dialect::Ollama, 400, "m").fields.get("Content-Type") ==
        "application/json; charset=utf-8"
    );
}

TEST_CASE("reply: the type of an error follows its status", "[http][reply]") {
    auto const type = [](Dialect dialect, unsigned status) {
        auto const body = error_reply(dialect, status, "m").body;
        auto const begin = body.rfind(R"("type":")") + 8;
        auto const inner = body.find(R"("error":{"type":")");
        auto const from = inner == std::string::npos ? begin : inner + 17;
        return body.substr(from, body.find('"', from) - from);
    };
    CHECK(type(Dialect::OpenAi, 400) == "invalid_request_error");
    CHECK(type(Dialect::OpenAi, 404) == "not_found_error");
    CHECK(type(Dialect::OpenAi, 503) == "api_error");
    CHECK(type(Dialect::Anthropic, 400) == "invalid_request_error");
    CHECK(type(Dialect::Anthropic, 401) == "authentication_error");
    CHECK(type(Dialect::Anthropic, 403) == "permission_error");
    CHECK(type(Dialect::Anthropic, 404) == "not_found_error");
    CHECK(type(Dialect::Anthropic, 429) == "rate_limit_error");
    CHECK(type(Dialect::Anthropic, 503) == "overloaded_error");
    CHECK(type(Dialect::Anthropic, 529) == "overloaded_error");
    CHECK(type(Dialect::Anthropic, 507) == "api_error");
}

TEST_CASE("reply: Retry-After is whole seconds, rounded up, at least one", "[http][reply]") {
    auto const after = [](Duration d) {
        return std::string(*error_reply(Dialect::Ollama, 503, "m", {}, d).fields.get("Retry-After")
        );
    };
    CHECK(after(0s) == "1");
    CHECK(after(-5s) == "1");
    CHECK(after(1s) == "1");
    CHECK(after(1001ms) == "2");
    CHECK(after(90s) == "90");
    CHECK_FALSE(error_reply(Dialect::Ollama, 503, "m").fields.get("Retry-After"));
}

TEST_CASE("reply: every kind of error has its status", "[http][reply]") {
    CHECK(status_of(Errc::BadRequest) == 400);
    CHECK(status_of(Errc::Forbidden) == 403);
    CHECK(status_of(Errc::NotFound) == 404);
    CHECK(status_of(Errc::TooLarge) == 413);
    CHECK(status_of(Errc::UnsupportedMedia) == 415);
    CHECK(status_of(Errc::ExpectationFailed) == 417);
    CHECK(status_of(Errc::DoesNotFit) == 507);
    CHECK(status_of(Errc::QueueFull) == 503);
    CHECK(status_of(Errc::Draining) == 503);
    CHECK(status_of(Errc::DeadlineExceeded) == 504);
    CHECK(status_of(Errc::UpstreamUnavailable) == 502);
    CHECK(status_of(Errc::UpstreamProtocol) == 502);
    CHECK(status_of(Errc::Unsupported) == 501);
}

TEST_CASE("reply: JSON strings are escaped as Go escapes them", "[http][reply]") {
    CHECK(json_quote("a\"b\\c/d") == R"("a\"b\\c/d")");
    CHECK(json_quote("\b\f\n\r\t\x01\x1F\x7F") == "\"\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\"");
    CHECK(json_quote("<&>") == "\"<&>\"");
    CHECK(json_quote("\xC3\xA4\xF0\x9F\x98\x80") == "\"\xC3\xA4\xF0\x9F\x98\x80\"");
    CHECK(json_quote("a\xFF") == R"("a\ufffd")");
    CHECK(json_quote("\xC0\x80\xED\xA0\x80") == R"("\ufffd\ufffd\ufffd\ufffd\ufffd")");
    CHECK(json_quote("\xE2\x80\xA8\xE2\x80\xA9") == R"("\u2028\u2029")");
    CHECK(json_quote("\xE2\x80") == R"("\ufffd\ufffd")");
}
