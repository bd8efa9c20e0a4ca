// Operators' hands: load, unload, pin, unpin, cleanup.

#include "control/impl.hpp"
#include "control/json_view.hpp"
#include "control/query.hpp"
#include "control/request_json.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

#include <array>
#include <cstdint>
#include <limits>

namespace plimsoll::control {
namespace {

namespace json = boost::json;
using namespace std::string_view_literals;

constexpr std::int64_t kMostTokens = std::numeric_limits<std::uint32_t>::max();

struct ModelRequest {
    engine::AcquireRequest acquire;
    std::optional<std::string> upstream;
    std::optional<Duration> limit;  // "for" of a pin
};

Result<ModelRequest> model_request(json::object const& body, net::Exchange const& exchange) {
    ModelRequest out;
    auto model = string_member(body, "model");
    if (!model) {
        return fail(std::move(model.error()));
    }
    if (!*model || trim(**model).empty()) {
        return fail(
            Errc::BadRequest,
            R"(the body must name a model: {"model": "NAME"})",
            ErrorSource::Client
        );
    }
    auto upstream = string_member(body, "upstream");
    if (!upstream) {
        return fail(std::move(upstream.error()));
    }
    auto num_ctx = integer_member(body, "num_ctx");
    if (!num_ctx) {
        return fail(std::move(num_ctx.error()));
    }
    if (*num_ctx && (**num_ctx < 1 || **num_ctx > kMostTokens)) {
        return fail(
            Errc::BadRequest,
            fmt::format("\"num_ctx\" must be 1 to {} tokens, not {}", kMostTokens, **num_ctx),
            ErrorSource::Client
        );
    }
    auto keep_alive = keep_alive_member(body, "keep_alive");
    if (!keep_alive) {
        return fail(std::move(keep_alive.error()));
    }
    auto how_long = keep_alive_member(body, "for");
    if (!how_long) {
        return fail(std::move(how_long.error()));
    }
    if (*how_long && (*how_long)->kind == core::KeepAlive::Kind::For) {
        out.limit = (*how_long)->duration;
    }
    out.acquire.model = std::move(**model);
    out.acquire.client = exchange.peer();
    out.acquire.num_ctx = *num_ctx;
    out.acquire.keep_alive = *keep_alive;
    out.upstream = std::move(*upstream);
    return out;
}

// "name: reason"; names have colons of their own, but never one before a blank.
json::object kept_json(std::string const& line) {
    auto const colon = line.find(": ");
    if (colon == std::string::npos) {
        return {{"name", line}, {"reason", nullptr}};
    }
    return {{"name", line.substr(0, colon)}, {"reason", line.substr(colon + 2)}};
}

Result<bool> wants_progress(http::RequestHead const& head) {
    static constexpr std::array kParameters{"progress"sv};
    auto const query = read_query(head, kParameters);
    if (!query) {
        return fail(query.error());
    }
    auto const accept = head.fields.get("Accept").value_or("");
    return flag_parameter(
        *query, "progress", accept.find("text/event-stream") != std::string_view::npos
    );
}

}  // namespace

// Reads a body of these members and finds the engine; what goes wrong is answered here.
net::Task<std::optional<Control::Impl::ModelCall>> Control::Impl::read_model_call(
    net::Exchange& exchange, std::span<std::string_view const> members
) {
    auto const body = co_await read_object(exchange, members);
    if (!body) {
        co_await respond_error(exchange, body.error());
        co_return std::nullopt;
    }
    co_return co_await model_call(exchange, *body);
}

// The same for a body that was read already.
net::Task<std::optional<Control::Impl::ModelCall>> Control::Impl::model_call(
    net::Exchange& exchange, json::object const& body
) {
    auto request = model_request(body, exchange);
    if (!request) {
        co_await respond_error(exchange, request.error());
        co_return std::nullopt;
    }
    auto const engine = co_await find_engine(request->acquire.model, request->upstream);
    if (!engine) {
        co_await respond_error(exchange, engine.error());
        co_return std::nullopt;
    }
    co_return ModelCall{**engine, std::move(request->acquire), request->limit};
}

net::Task<void> Control::Impl::load(net::Exchange& exchange) {
    static constexpr std::array kMembers{"model"sv, "num_ctx"sv, "keep_alive"sv, "upstream"sv};
    auto const is_watched = wants_progress(exchange.head());
    if (!is_watched) {
        co_await respond_error(exchange, is_watched.error());
        co_return;
    }
    auto call = co_await read_model_call(exchange, kMembers);
    if (!call) {
        co_return;
    }
    if (*is_watched) {
        co_await load_with_progress(exchange, call->engine, std::move(call->request));
        co_return;
    }
    auto const instance =
        co_await call->engine.load(std::move(call->request), exchange.canceller());
    if (!instance) {
        co_await respond_error(exchange, instance.error());
        co_return;
    }
    load_times[instance->model] = instance->load_took;
    co_await respond_json(
        exchange,
        200,
        instance_json(*instance, call->engine.provider().config(), exchange.loop().now())
    );
}

net::Task<void> Control::Impl::unload(net::Exchange& exchange) {
    static constexpr std::array kMembers{"model"sv, "upstream"sv};
    auto call = co_await read_model_call(exchange, kMembers);
    if (!call) {
        co_return;
    }
    auto const done = co_await call->engine.unload(call->request.model, exchange.canceller());
    if (!done) {
        co_await respond_error(exchange, done.error());
        co_return;
    }
    co_await respond_json(
        exchange,
        200,
        {{"name", call->request.model},
         {"upstream", call->engine.provider().config().name},
         {"state", "absent"}}
    );
}

net::Task<void> Control::Impl::pin(net::Exchange& exchange) {
    static constexpr std::array kMembers{"model"sv, "num_ctx"sv, "for"sv, "upstream"sv};
    auto call = co_await read_model_call(exchange, kMembers);
    if (!call) {
        co_return;
    }
    auto const instance =
        co_await call->engine.pin(std::move(call->request), call->limit, exchange.canceller());
    if (!instance) {
        co_await respond_error(exchange, instance.error());
        co_return;
    }
    co_await respond_json(
        exchange,
        200,
        instance_json(*instance, call->engine.provider().config(), exchange.loop().now())
    );
}

net::Task<void> Control::Impl::unpin(net::Exchange& exchange) {
    static constexpr std::array kMembers{"model"sv, "upstream"sv};
    auto call = co_await read_model_call(exchange, kMembers);
    if (!call) {
        co_return;
    }
    auto const done = co_await call->engine.unpin(call->request.model);
    if (!done) {
        co_await respond_error(exchange, done.error());
        co_return;
    }
    co_await respond_json(
        exchange,
        200,
        {{"name", call->request.model},
         {"upstream", call->engine.provider().config().name},
         {"pinned", false}}
    );
}

net::Task<void> Control::Impl::cleanup(net::Exchange& exchange) {
    auto const body = co_await read_object(exchange, {});
    if (!body) {
        co_await respond_error(exchange, body.error());
        co_return;
    }
    json::array unloaded;
    json::array kept;
    for (auto* engine : context.engines) {
        auto const report = co_await engine->cleanup(exchange.canceller());
        for (auto const& name : report.unloaded) {
            unloaded.emplace_back(name);
        }
        for (auto const& line : report.kept) {
            kept.push_back(kept_json(line));
        }
    }
    co_await respond_json(
        exchange, 200, {{"unloaded", std::move(unloaded)}, {"kept", std::move(kept)}}
    );
}

}  // namespace plimsoll::control
