#include "sim/router.hpp"

#include "sim/json.hpp"
#include "sim/request.hpp"
#include "sim/routes.hpp"

#include <plimsoll/base/address.hpp>
#include <plimsoll/http/origin.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace plimsoll::sim {

namespace {

using http::Method;
using Serve = net::Task<void> (*)(Session&, std::string_view);

enum class RouteKind : std::uint8_t { Inference, Other, Control };

struct Route {
    Method method;
    std::string_view path;  // a last segment of '*' stands for any one segment
    Serve serve;
    RouteKind kind = RouteKind::Other;
};

constexpr std::uint64_t kMaxBody = std::uint64_t{1} << 30U;

constexpr std::array kRoutes{
    Route{Method::Get, "/", serve_root},
    Route{Method::Head, "/", serve_root},
    Route{Method::Get, "/api/version", serve_version},
    Route{Method::Head, "/api/version", serve_version},
    Route{Method::Get, "/api/status", serve_status},
    Route{Method::Get, "/api/tags", serve_tags},
    Route{Method::Head, "/api/tags", serve_tags},
    Route{Method::Get, "/api/ps", serve_ps},
    Route{Method::Post, "/api/show", serve_show},
    Route{Method::Post, "/api/generate", serve_generate, RouteKind::Inference},
    Route{Method::Post, "/api/chat", serve_chat, RouteKind::Inference},
    Route{Method::Post, "/api/embed", serve_embed, RouteKind::Inference},
    Route{Method::Post, "/api/embeddings", serve_embeddings, RouteKind::Inference},
    Route{Method::Post, "/v1/chat/completions", serve_openai_chat, RouteKind::Inference},
    Route{Method::Post, "/v1/completions", serve_openai_completions, RouteKind::Inference},
    Route{Method::Post, "/v1/embeddings", serve_openai_embeddings, RouteKind::Inference},
    Route{Method::Post, "/v1/responses", serve_openai_responses, RouteKind::Inference},
    Route{Method::Post, "/v1/messages", serve_messages, RouteKind::Inference},
    Route{Method::Post, "/v1/audio/transcriptions", serve_transcriptions, RouteKind::Inference},
    Route{Method::Get, "/v1/models", serve_openai_models},
    Route{Method::Get, "/v1/models/*", serve_openai_model},
    Route{Method::Post, "/api/pull", serve_pull},
    Route{Method::Post, "/api/push", serve_push},
    Route{Method::Post, "/api/create", serve_create},
    Route{Method::Post, "/api/copy", serve_copy},
    Route{Method::Delete, "/api/delete", serve_delete},
    Route{Method::Post, "/api/blobs/*", serve_blob_upload},
    Route{Method::Head, "/api/blobs/*", serve_blob_head},
    Route{Method::Post, "/api/me", serve_account},
    Route{Method::Post, "/api/signout", serve_account},
    Route{Method::Delete, "/api/user/keys/*", serve_account},
    Route{Method::Post, "/api/experimental/web_search", serve_account},
    Route{Method::Post, "/api/experimental/web_fetch", serve_account},
    Route{Method::Get, "/api/experimental/model-recommendations", serve_recommendations},
    Route{Method::Get, "/sim/v1/faults", serve_get_faults, RouteKind::Control},
    Route{Method::Post, "/sim/v1/faults", serve_set_faults, RouteKind::Control},
    Route{Method::Delete, "/sim/v1/faults", serve_clear_faults, RouteKind::Control},
    Route{Method::Get, "/sim/v1/books", serve_books, RouteKind::Control},
    Route{Method::Post, "/sim/v1/books/reset", serve_reset_books, RouteKind::Control},
    Route{Method::Post, "/sim/v1/reset", serve_reset, RouteKind::Control},
};

bool matches(std::string_view pattern, std::string_view path) {
    if (!pattern.ends_with('*')) {
        return pattern == path;
    }
    pattern.remove_suffix(1);
    auto const rest = path.substr(std::min(pattern.size(), path.size()));
    return path.starts_with(pattern) && !rest.empty() && rest.find('/') == std::string_view::npos;
}

Route const* route_of(Method method, std::string_view path) {
    auto const found = std::ranges::find_if(kRoutes, [&](Route const& route) {
        return route.method == method && matches(route.path, path);
    });
    return found == kRoutes.end() ? nullptr : &*found;
}

// "GET, HEAD": what the path knows; empty for an unknown one.
std::string allowed_methods(std::string_view path) {
    std::string out;
    for (auto const& route : kRoutes) {
        if (matches(route.path, path)) {
            out += (out.empty() ? "" : ", ") + std::string(to_string(route.method));
        }
    }
    return out;
}

// The model that the body names, for faults that concern one.
std::string model_key(World const& world, std::string_view body) {
    if (world.faults.is_empty() || body.empty()) {
        return {};
    }
    auto const json = read_json(body);
    if (!json || !json->is(Json::Kind::Object)) {
        return {};
    }
    auto name = text_member(*json, "model");
    return key_of(name.empty() ? text_member(*json, "name") : name);
}

net::Task<void> wait_for_ever(Session& session, Duration at_most) {
    net::Flag never(session.world().loop);
    auto const until =
        at_most > Duration::zero() ? std::optional(session.world().now() + at_most) : std::nullopt;
    co_await never.wait(until, &session.canceller());
    session.cut();
}

// True: the fault has answered, or has broken the connection.
net::Task<bool> strike_first(Session& session, std::string const& model, bool is_inference) {
    auto& world = session.world();
    auto const& path = session.path();
    if (world.faults.is_empty()) {
        co_return false;
    }
    if (world.faults.strike(FaultKind::Refuse, path, model)) {
        session.cut();
        co_return true;
    }
    if (auto const hang = world.faults.strike(FaultKind::Hang, path, model)) {
        co_await wait_for_ever(session, hang->delay);
        co_return true;
    }
    if (world.faults.strike(FaultKind::Garbage, path, model, is_inference)) {
        co_await session.garbage();
        co_return true;
    }
    if (world.faults.strike(FaultKind::Busy503, path, model, is_inference)) {
        co_await session.error(
            503, "server busy, please try again.  maximum pending requests exceeded"
        );
        co_return true;
    }
    if (auto const drip = world.faults.strike(FaultKind::SlowDrip, path, model, is_inference)) {
        session.drip(drip->delay > Duration::zero() ? drip->delay : std::chrono::milliseconds(20));
    }
    if (world.faults.strike(FaultKind::OneByteSegments, path, model, is_inference)) {
        session.write_single_bytes();
    }
    co_return false;
}

// Host, Origin, preflight and redirects. True: answered.
net::Task<bool> answer_at_the_door(Session& session) {
    auto& exchange = session.exchange();
    auto const& head = exchange.head();
    http::OriginPolicy policy;
    policy.check_host = is_loopback(session.world().config.address);
    auto const origin = http::check_origin(policy, head);
    if ((policy.check_host && !http::is_host_allowed(policy, head.host)) || !origin.allowed) {
        co_await session.reply(403, "", "");
        co_return true;
    }
    auto const allow = allowed_methods(head.path);
    if (auto preflight = http::preflight_reply(head, allow)) {
        co_await exchange.respond(std::move(*preflight));
        co_return true;
    }
    if (origin.cors) {
        auto const from = std::string(head.fields.get("Origin").value_or(""));
        session.add_field("Access-Control-Allow-Origin", from);
        session.add_field("Vary", "Origin");
    }
    if (head.redirect_to) {
        session.add_field("Location", *head.redirect_to);
        auto const status = head.method == Method::Get || head.method == Method::Head ? 301U : 307U;
        co_await session.reply(status, "", "");
        co_return true;
    }
    bool const host_is_name =
        !head.host.empty() && std::isalpha(static_cast<unsigned char>(head.host.front())) != 0;
    if (head.method == Method::Options && !allow.empty() && host_is_name) {
        co_await session.reply(204, "", "");
        co_return true;
    }
    if (route_of(head.method, head.path) == nullptr) {
        if (!allow.empty()) {
            session.add_field("Allow", allow);
        }
        co_await session.reply(
            allow.empty() ? 404 : 405,
            "text/plain",
            allow.empty() ? "404 page not found" : "405 method not allowed"
        );
        co_return true;
    }
    co_return false;
}

}  // namespace

net::Task<void> handle(std::shared_ptr<World> world, net::Exchange& exchange) {
    Session session(*world, exchange);
    auto const* route = route_of(exchange.head().method, exchange.head().path);
    bool const is_control = route != nullptr && route->kind == RouteKind::Control;
    if (world->is_down() && !is_control) {
        session.cut();
        co_return;
    }
    bool const is_answered = co_await answer_at_the_door(session);
    if (is_answered || route == nullptr) {
        co_return;
    }
    net::Body body;
    if (route->serve != serve_blob_upload) {
        auto const read = co_await exchange.read_body(body, kMaxBody);
        if (!read) {
            if (read.error().code == Errc::TooLarge) {
                co_await session.error(413, "request body too large for the simulator");
            } else {
                session.cut();
            }
            co_return;
        }
    }
    if (!is_control) {
        auto const model = model_key(*world, body.view());
        bool const is_struck =
            co_await strike_first(session, model, route->kind == RouteKind::Inference);
        if (is_struck) {
            co_return;
        }
    }
    co_await route->serve(session, body.view());
}

}  // namespace plimsoll::sim
