#include "support/catch.hpp"

#include <plimsoll/http/origin.hpp>

using namespace plimsoll::http;

namespace {

RequestHead request(std::string const& method, std::string const& fields) {
    RequestHead head;
    auto const progress =
        parse_request_head(method + " /api/generate HTTP/1.1\r\n" + fields + "\r\n", {}, head);
    REQUIRE(progress.kind == ParseProgress::Kind::Done);
    return head;
}

}  // namespace

TEST_CASE("host: local names and addresses are allowed, strangers are not", "[http][origin]") {
    OriginPolicy policy;
    policy.machine_name = "Workbench";
    policy.allowed_hosts = {"llm.example.org", "*.corp.example"};
    for (auto const host :
         {"",
          "localhost",
          "LOCALHOST:11435",
          "workbench",
          "a.localhost",
          "nas.local:80",
          "x.internal",
          "127.0.0.1",
          "127.9.9.9:1",
          "10.1.2.3",
          "172.16.0.1",
          "172.31.255.255",
          "192.168.1.1:11435",
          "0.0.0.0",
          "[::1]",
          "[::1]:11435",
          "[::]",
          "[fd00::1]",
          "[::ffff:127.0.0.1]",
          "llm.example.org:443",
          "a.corp.example"}) {
        INFO(host);
        CHECK(is_host_allowed(policy, host));
    }
    for (auto const host :
         {"evil.example",
          "localhost.evil.example",
          "local",
          "internal",
          "8.8.8.8",
          "172.32.0.1",
          "192.169.0.1",
          "[2001:db8::1]",
          "[::ffff:8.8.8.8]",
          "127.0.0.1.evil.example",
          "0x7f.1",
          "corp.example",
          "x.llm.example.org",
          "localhost."}) {
        INFO(host);
        CHECK_FALSE(is_host_allowed(policy, host));
    }
    policy.check_host = false;
    CHECK(is_host_allowed(policy, "evil.example"));
}

TEST_CASE(
    "origin: built-in and configured pages get CORS, strangers are refused", "[http][origin]"
) {
    OriginPolicy policy;
    policy.allowed_origins = {"https://ui.example", "https://*.ui.example", "http://dev:*"};
    auto const check = [&](std::string const& origin) {
        return check_origin(
            policy, request("GET", "Host: box:11435\r\nOrigin: " + origin + "\r\n")
        );
    };
    for (auto const origin :
         {"http://localhost",
          "https://localhost:3000",
          "http://127.0.0.1:8080",
          "http://0.0.0.0",
          "app://obsidian.md",
          "file://x",
          "tauri://localhost",
          "vscode-webview://abc",
          "vscode-file://vscode-app",
          "https://ui.example",
          "https://a.ui.example",
          "http://dev:5173",
          "HTTP://LOCALHOST:1"}) {
        INFO(origin);
        CHECK(check(origin).allowed);
        CHECK(check(origin).cors);
    }
    for (auto const origin :
         {"null",
          "http://evil.example",
          "http://localhost.evil.example",
          "http://localhost:80.evil.example",
          "chrome-extension://abc",
          "ftp://localhost",
          "http://127.0.0.1.evil.example",
          "https://uixexample",
          "x"}) {
        INFO(origin);
        CHECK_FALSE(check(origin).allowed);
        CHECK_FALSE(check(origin).cors);
    }
    CHECK(check("http://box:11435").allowed);
    CHECK_FALSE(check("http://box:11435").cors);
    CHECK_FALSE(check("http://box:1").allowed);
    CHECK(check_origin(policy, request("GET", "Host: a\r\n")).allowed);
    auto const two = request("GET", "Host: a\r\nOrigin: http://localhost\r\nOrigin: http://b\r\n");
    CHECK_FALSE(check_origin(policy, two).allowed);
    policy.allowed_origins = {"*"};
    CHECK(check("http://evil.example").cors);
}

TEST_CASE("origin: a preflight gets the recorded answer", "[http][origin]") {
    auto const head = request(
        "OPTIONS",
        "Host: a\r\nOrigin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n"
    );
    auto const reply = preflight_reply(head, "POST");
    REQUIRE(reply);
    CHECK(reply->status == 204);
    CHECK(reply->fields.get("Access-Control-Allow-Origin") == "http://localhost:3000");
    CHECK(reply->fields.get("Access-Control-Max-Age") == "43200");
    CHECK(
        reply->fields.get("Access-Control-Allow-Methods") ==
        "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"
    );
    CHECK_THAT(
        std::string(*reply->fields.get("Access-Control-Allow-Headers")),
        ContainsSubstring("X-Stainless-Timeout")
    );
    CHECK(reply->fields.get("Allow") == "POST");
    CHECK(reply->fields.count("Vary") == 3);
    CHECK_FALSE(preflight_reply(request("OPTIONS", "Host: a\r\n"), "POST"));
    CHECK_FALSE(
        preflight_reply(request("OPTIONS", "Host: a\r\nOrigin: http://localhost\r\n"), "POST")
    );
    CHECK_FALSE(preflight_reply(
        request("POST", "Host: a\r\nOrigin: http://a\r\nAccess-Control-Request-Method: POST\r\n"),
        ""
    ));
}

TEST_CASE("origin: an answer names the page once", "[http][origin]") {
    Fields answer;
    answer.add("Access-Control-Allow-Origin", "http://other");
    add_cors(answer, "http://localhost:3000");
    CHECK(answer.count("access-control-allow-origin") == 1);
    CHECK(answer.get("access-control-allow-origin") == "http://localhost:3000");
    CHECK(answer.get("vary") == "Origin");
}
