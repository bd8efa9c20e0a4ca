#include "app/control_client.hpp"
#include "app/run.hpp"

#include <plimsoll/base/text.hpp>

#include <cstdio>

namespace plimsoll::app {
namespace {

// {"ready": false, "why": ["...", "..."]}
std::string reasons_of(boost::json::value const& body) {
    std::string out;
    auto const* object = body.if_object();
    auto const* why = object == nullptr ? nullptr : object->if_contains("why");
    if (why == nullptr || !why->is_array()) {
        return out;
    }
    for (auto const& reason : why->get_array()) {
        if (reason.is_string()) {
            out += (out.empty() ? "" : "; ") + printable(reason.get_string());
        }
    }
    return out;
}

}  // namespace

int run_health(HealthOptions const& options) {
    auto client = ControlClient::make(options.url);
    if (!client) {
        std::fprintf(stderr, "plimsoll: %s\n", client.error().message.c_str());
        return 2;
    }
    auto const* path = options.is_ready ? "/readyz" : "/healthz";
    auto const reply = client->call(http::Method::Get, path, {});
    if (!reply) {
        std::fprintf(stderr, "plimsoll: %s\n", reply.error().message.c_str());
        return 1;
    }
    if (reply->status != 200) {
        auto const why = reasons_of(reply->body);
        std::fprintf(
            stderr,
            "plimsoll: %s is not %s: %s\n",
            options.url.c_str(),
            options.is_ready ? "ready" : "healthy",
            why.empty() ? ControlClient::sentence_of(*reply).c_str() : why.c_str()
        );
        return 1;
    }
    std::printf("%s is %s\n", options.url.c_str(), options.is_ready ? "ready" : "healthy");
    return 0;
}

}  // namespace plimsoll::app
