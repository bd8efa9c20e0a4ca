// The gate (Host, Origin, preflight, redirects) and the choice of what a request is.

#include "proxy/impl.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/origin.hpp>
#include <plimsoll/http/route.hpp>
#include <plimsoll/http/trace_context.hpp>
#include <plimsoll/proxy/proxy.hpp>

#include <spdlog/fmt/fmt.h>

#include <random>

namespace plimsoll::proxy {
namespace {

using http::RouteClass;

// The methods that a preflight names for a path; empty: unknown to us.
std::string_view allowed_methods(std::string_view path) {
    auto const posted = http::find_route(http::Method::Post, path);
    if (posted.route_class == RouteClass::Own) {
        return "";
    }
    return posted.operation != http::Operation::UnknownPost ? "POST" : "";
}

// As the upstream redirects: with the method kept for all but plain reading.
http::Reply redirect(http::RequestHead const& head) {
    bool const is_reading = head.method == http::Method::Get || head.method == http::Method::Head;
    http::Reply reply;
    reply.status = is_reading ? 301 : 307;
    reply.fields.add("Location", *head.redirect_to);
    if (head.method == http::Method::Get) {
        reply.fields.add("Content-Type", "text/html; charset=utf-8");
        reply.body = fmt::format("<a href=\"{}\">Moved Permanently</a>.\n\n", *head.redirect_to);
    }
    return reply;
}

bool is_ip_literal(std::string_view host) {
    return host.starts_with('[') ||
           host.find_first_not_of("0123456789.:") == std::string_view::npos;
}

// A coding that we cannot look into could hide a model's name. Only a few routes take one at all.
std::optional<std::string_view> unreadable_coding(Call const& call) {
    auto const coding = call.exchange.head().fields.get("Content-Encoding");
    bool const is_read = call.route.route_class == RouteClass::Inference ||
                         call.route.route_class == RouteClass::Store;
    if (!coding || !is_read || iequals(*coding, "identity") ||
        (call.route.takes_zstd && iequals(*coding, "zstd"))) {
        return std::nullopt;
    }
    return coding;
}

std::uint64_t random_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

Proxy::Impl::Impl(std::vector<engine::Engine*> all, ProxyConfig with, OwnPaths paths)
    : engines(std::move(all)),
      config(std::move(with)),
      own(std::move(paths)),
      guard(config.access),
      id_state(random_seed()) {
    PLIMSOLL_ASSERT(!engines.empty());
    bodies.limit = config.max_bodies;
}

// Twelve hex digits (short enough for a string without an allocation) of a splitmix64 sequence:
// unique enough to find a request's lines in a log.
std::string Proxy::Impl::next_id() {
    id_state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = id_state;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    z ^= z >> 31U;
    static constexpr char kHex[] = "0123456789abcdef";
    std::string id(12, '0');
    for (auto& digit : id) {
        digit = kHex[z & 15U];
        z >>= 4U;
    }
    return id;
}

net::Task<bool> Proxy::Impl::pass_gate(Call& call, access::Door door) {
    auto const& head = call.exchange.head();
    auto const origin = http::check_origin(config.origins, head);
    if (!http::is_host_allowed(config.origins, head.host) || !origin.allowed) {
        // As the upstream refuses: an empty 403.
        co_await answer(call, http::Reply{403, {}, {}});
        co_return false;
    }
    if (auto preflight = http::preflight_reply(head, allowed_methods(head.path))) {
        co_await answer(call, std::move(*preflight));
        co_return false;
    }
    if (origin.cors) {
        call.origin = head.fields.get("Origin").value_or("");
    }
    auto const is_admitted = co_await pass_guard(call, door);
    if (!is_admitted) {
        co_return false;
    }
    if (head.method == http::Method::Options && !head.fields.get("Origin") &&
        !is_ip_literal(head.host)) {
        co_await answer(call, http::Reply{204, {}, {}});
        co_return false;
    }
    if (head.redirect_to) {
        co_await answer(call, redirect(head));
        co_return false;
    }
    co_return true;
}

net::Task<void> Proxy::Impl::dispatch(Call& call) {
    auto const operation = call.route.operation;
    if (auto const coding = unreadable_coding(call)) {
        co_await answer_error(
            call,
            400,
            fmt::format(
                "a body with Content-Encoding \"{}\" is not understood on {}; send it as it is",
                printable(*coding, 64),
                call.exchange.head().path
            )
        );
    } else if (call.route.route_class == RouteClass::Own) {
        co_await own_path(call);
    } else if (!first(call).config().enabled) {
        co_await unscheduled(call);
    } else if (operation == http::Operation::UnknownPost) {
        co_await unknown_post(call);
    } else if (call.route.route_class == RouteClass::Inference) {
        co_await inference(call);
    } else if (call.route.route_class == RouteClass::Store) {
        co_await store_request(call);
    } else if (operation == http::Operation::Ps) {
        co_await loaded_models(call);
    } else {
        co_await passive(call);
    }
}

// management.enabled = false: a plain relay.
net::Task<void> Proxy::Impl::unscheduled(Call& call) {
    if (call.route.route_class == RouteClass::Passive) {
        co_await passive(call);
        co_return;
    }
    auto& engine = first(call);
    auto times = stream_times(engine.provider().config());
    times.head = engine.provider().config().answer_timeout;
    if (!call.pass.is_limited()) {
        co_await pass(call, engine, times, nullptr);
        co_return;
    }
    // Which model it is for stands in the body.
    Inference request(bodies);
    bool is_allowed = false;
    if (call.route.route_class == RouteClass::Inference) {
        is_allowed = co_await read_request(call, request);
    } else {
        is_allowed = co_await read_store_request(call, request.body);
    }
    if (is_allowed) {
        co_await pass(call, engine, times, &request.body);
    }
}

net::Task<void> Proxy::Impl::handle(net::Exchange& exchange, access::Door door) {
    ++requests;
    RequestMetrics::InFlight const in_flight(metrics);
    Call call(exchange, next_id());
    auto const& head = exchange.head();
    call.route = http::find_route(head.method, head.path);
    auto const is_admitted = co_await pass_gate(call, door);
    if (is_admitted) {
        co_await dispatch(call);
    }
    log_request(call);
    if (metrics) {
        metrics->ended(call);
    }
}

net::Task<void> Proxy::Impl::handle_own(net::Exchange& exchange, engine::Engine& engine) {
    Call call(exchange, next_id());
    call.route = http::find_route(exchange.head().method, exchange.head().path);
    call.only = &engine;
    co_await dispatch(call);
    log_request(call);
    if (metrics) {
        metrics->ended_own(call);
    }
}

void Proxy::Impl::log_request(Call const& call) const {
    auto const& head = call.exchange.head();
    auto const took = call.exchange.loop().now() - call.started;
    kLog.info(
        "request",
        {{"method", http::to_string(head.method)},
         {"path", std::string_view(head.path)},
         {"client", std::string_view(call.client())},
         {"model", std::string_view(call.model)},
         {"status", std::uint64_t{call.status}},
         {"ms", to_seconds(took) * 1000},
         {"waited_ms", to_seconds(call.waited) * 1000},
         {"bytes", call.exchange.bytes_written()}},
        call.id
    );
    // A line of its own, so that the others stay as short as they are where nobody traces.
    if (auto const trace = http::trace_id(head.fields); !trace.empty()) {
        kLog.info("traced", {{"trace", trace}}, call.id);
    }
}

Proxy::Proxy(std::vector<engine::Engine*> engines, ProxyConfig config, OwnPaths own)
    : impl_(std::make_unique<Impl>(std::move(engines), std::move(config), std::move(own))) {}

Proxy::~Proxy() = default;

void Proxy::use(VirtualModels* models) {
    impl_->virtual_models = models;
}

void Proxy::count_into(metrics::Registry& registry, std::span<std::string_view const> own_paths) {
    impl_->metrics = RequestMetrics::make(
        registry, own_paths, {.bodies = impl_->bodies, .broken_streams = impl_->broken_streams}
    );
}

net::Task<void> Proxy::handle_own(net::Exchange& exchange, engine::Engine& engine) {
    return impl_->handle_own(exchange, engine);
}

net::Task<void> Proxy::handle(net::Exchange& exchange, access::Door door) {
    return impl_->handle(exchange, door);
}

void Proxy::reconfigure(ProxyConfig config) {
    impl_->config = std::move(config);
    impl_->bodies.limit = impl_->config.max_bodies;
    impl_->guard.replace(impl_->config.access);
}

std::uint64_t Proxy::requests() const {
    return impl_->requests;
}

}  // namespace plimsoll::proxy
