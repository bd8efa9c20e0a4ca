#include "proxy/route_label.hpp"

#include "support/catch.hpp"

#include <array>
#include <set>
#include <string>

using namespace plimsoll;
using http::Method;

namespace {

constexpr std::array<std::string_view, 4> kOwn{
    "/healthz", "/metrics", "/plimsoll/v1/runs/{id}", "/plimsoll/v1/runs/{id}/events"
};

std::string label(Method method, std::string_view path) {
    proxy::RouteLabels const labels(kOwn);
    return std::string(labels.text(labels.find(http::find_route(method, path), path)));
}

}  // namespace

TEST_CASE("route labels: known paths are counted by themselves", "[proxy][metrics]") {
    for (auto const* path :
         {"/api/generate",
          "/api/chat",
          "/api/embed",
          "/api/embeddings",
          "/v1/chat/completions",
          "/v1/completions",
          "/v1/embeddings",
          "/v1/responses",
          "/v1/audio/transcriptions",
          "/v1/messages",
          "/api/show",
          "/api/pull",
          "/api/push",
          "/api/create",
          "/api/copy"}) {
        CHECK(label(Method::Post, path) == path);
    }
    for (auto const* path :
         {"/", "/api/tags", "/api/version", "/api/ps", "/v1/models", "/healthz", "/metrics"}) {
        CHECK(label(Method::Get, path) == path);
    }
    CHECK(label(Method::Delete, "/api/delete") == "/api/delete");
}

TEST_CASE("route labels: what is in a path does not become a label", "[proxy][metrics]") {
    CHECK(label(Method::Head, "/api/blobs/sha256:0123") == "/api/blobs/{digest}");
    CHECK(label(Method::Get, "/v1/models/qwen3:8b") == "/v1/models/{model}");
    CHECK(label(Method::Get, "/plimsoll/v1/runs/0123") == "/plimsoll/v1/runs/{id}");
    CHECK(label(Method::Get, "/plimsoll/v1/runs/0123/events") == "/plimsoll/v1/runs/{id}/events");
    CHECK(label(Method::Get, "/plimsoll/v1/runs/") == "other");
    CHECK(label(Method::Get, "/plimsoll/v1/runs/0123/else") == "other");
    CHECK(label(Method::Get, "/plimsoll/v1/nothing") == "other");
    CHECK(label(Method::Post, "/v1/new/route") == "other");
    CHECK(label(Method::Get, "/v1/models/a/b") == "other");
    CHECK(label(Method::Get, "/favicon.ico") == "other");
}

TEST_CASE("route labels: invented paths have one label together", "[proxy][metrics]") {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        auto const name = std::to_string(i);
        seen.insert(label(Method::Get, "/a" + name));
        seen.insert(label(Method::Post, "/api/a" + name));
        seen.insert(label(Method::Get, "/plimsoll/" + name));
        seen.insert(label(Method::Get, "/v1/models/" + name));
    }
    CHECK(seen == std::set<std::string>{"other", "/v1/models/{model}"});
}
