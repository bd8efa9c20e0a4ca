// Which endpoint a request is for.

#include "control/impl.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>
#include <plimsoll/control/control.hpp>

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

namespace plimsoll::control {
namespace {

using http::Method;

// HEAD is GET without the body; Exchange leaves it out.
bool matches(Method asked, Method of_endpoint) {
    return asked == of_endpoint || (asked == Method::Head && of_endpoint == Method::Get);
}

bool is_path(std::string_view pattern, std::string_view path) {
    auto const wanted = split(pattern, '/');
    auto const given = split(path, '/');
    return std::ranges::equal(wanted, given, [](std::string_view part, std::string_view text) {
        return part.starts_with('{') ? !text.empty() : part == text;
    });
}

bool holds(engine::Engine const& engine, std::string const& model) {
    auto const wanted = ModelName::parse(model);
    auto const is_wanted = [&](auto const& view) {
        auto const name = ModelName::parse(view.model);
        return wanted && name && name->key() == wanted->key();
    };
    auto const snapshot = engine.snapshot();
    return std::ranges::any_of(snapshot.instances, is_wanted) ||
           std::ranges::any_of(snapshot.pins, is_wanted);
}

}  // namespace

std::span<Control::Impl::Entry const> Control::Impl::endpoints() {
    constexpr auto kOpen = access::Right::Open;
    constexpr auto kOperator = access::Right::Operator;
    constexpr auto kAdmin = access::Right::Admin;
    static constexpr std::array kAll{
        Entry{Method::Get, "/healthz", kOpen, &Impl::healthz},
        Entry{Method::Get, "/readyz", kOpen, &Impl::readyz},
        Entry{Method::Get, "/metrics", kOperator, &Impl::metrics},
        Entry{Method::Get, "/plimsoll/v1/openapi.yaml", kOperator, &Impl::openapi},
        // The page and its files are open to everybody: no data in them, and the page asks for a
        // key.
        Entry{Method::Get, "/plimsoll", kOpen, &Impl::to_page},
        Entry{Method::Get, "/plimsoll/", kOpen, &Impl::page},
        Entry{Method::Get, "/plimsoll/page/{file}", kOpen, &Impl::page},
        Entry{Method::Get, "/plimsoll/v1/status", kOperator, &Impl::status},
        Entry{Method::Get, "/plimsoll/v1/models", kOperator, &Impl::models},
        Entry{Method::Post, "/plimsoll/v1/models/load", kOperator, &Impl::load},
        Entry{Method::Post, "/plimsoll/v1/models/unload", kOperator, &Impl::unload},
        Entry{Method::Post, "/plimsoll/v1/models/pin", kOperator, &Impl::pin},
        Entry{Method::Post, "/plimsoll/v1/models/unpin", kOperator, &Impl::unpin},
        Entry{Method::Post, "/plimsoll/v1/cleanup", kOperator, &Impl::cleanup},
        Entry{Method::Get, "/plimsoll/v1/queue", kOperator, &Impl::queue},
        Entry{Method::Post, "/plimsoll/v1/plan", kOperator, &Impl::plan},
        Entry{Method::Post, "/plimsoll/v1/estimate", kOperator, &Impl::estimate},
        Entry{Method::Get, "/plimsoll/v1/events", kOperator, &Impl::events},
        Entry{Method::Get, "/plimsoll/v1/settings", kOperator, &Impl::settings},
        Entry{Method::Patch, "/plimsoll/v1/settings", kAdmin, &Impl::change_settings},
        Entry{Method::Get, "/plimsoll/v1/chains", kOperator, &Impl::chains},
        Entry{Method::Post, "/plimsoll/v1/chains/run", kOperator, &Impl::run_inline},
        Entry{Method::Post, "/plimsoll/v1/chains/check", kOperator, &Impl::check_chain},
        Entry{Method::Get, "/plimsoll/v1/chains/{name}", kOperator, &Impl::saved_chain},
        Entry{Method::Put, "/plimsoll/v1/chains/{name}", kOperator, &Impl::save_chain},
        Entry{Method::Delete, "/plimsoll/v1/chains/{name}", kOperator, &Impl::delete_chain},
        Entry{Method::Post, "/plimsoll/v1/chains/{name}/run", kOperator, &Impl::run_saved},
        Entry{Method::Get, "/plimsoll/v1/runs", kOperator, &Impl::runs},
        Entry{Method::Get, "/plimsoll/v1/runs/{id}", kOperator, &Impl::run},
        Entry{Method::Delete, "/plimsoll/v1/runs/{id}", kOperator, &Impl::cancel_run},
        Entry{Method::Get, "/plimsoll/v1/runs/{id}/events", kOperator, &Impl::run_events},
        Entry{Method::Post, "/plimsoll/v1/runs/{id}/resume", kOperator, &Impl::resume_run},
        Entry{Method::Get, "/plimsoll/v1/mcp", kOperator, &Impl::mcp_servers},
    };
    return kAll;
}

std::string Control::Impl::segment(net::Exchange const& exchange, std::size_t n) {
    return std::string(split(exchange.head().path, '/').at(n + 1)
    );  // the first is before the slash
}

std::vector<Control::Impl::Entry const*> Control::Impl::entries_at(std::string_view path) {
    // "/chains/check" is that endpoint alone, and no saved chain that is called check.
    bool const is_literal =
        std::ranges::any_of(endpoints(), [&](Entry const& entry) { return entry.path == path; });
    std::vector<Entry const*> found;
    for (auto const& entry : endpoints()) {
        if (is_literal ? entry.path == path : is_path(entry.path, path)) {
            found.push_back(&entry);
        }
    }
    return found;
}

net::Task<bool> Control::Impl::handle(net::Exchange& exchange) {
    auto const& head = exchange.head();
    std::string allow;
    for (auto const* const entry : entries_at(head.path)) {
        if (matches(head.method, entry->method)) {
            co_await (this->*entry->handle)(exchange);
            co_return true;
        }
        allow += fmt::format("{}{}", allow.empty() ? "" : ", ", http::to_string(entry->method));
        if (entry->method == Method::Get) {
            allow += ", HEAD";
        }
    }
    if (!allow.empty()) {
        auto reply = http::error_reply(
            http::Dialect::Plimsoll,
            405,
            fmt::format("{} takes {}, not {}", head.path, allow, http::to_string(head.method))
        );
        reply.fields.set("Allow", allow);
        auto const sent = co_await exchange.respond(std::move(reply));
        static_cast<void>(sent);
        co_return true;
    }
    if (!head.path.starts_with("/plimsoll/v1/") && head.path != "/plimsoll/v1") {
        co_return false;
    }
    std::string known;
    for (auto const& entry : endpoints()) {
        known += fmt::format(
            "{}{} {}", known.empty() ? "" : ", ", http::to_string(entry.method), entry.path
        );
    }
    co_await respond_error(
        exchange,
        Error(
            Errc::NotFound,
            fmt::format("no endpoint {}; there are: {}", printable(head.path, 200), known)
        )
    );
    co_return true;
}

net::Task<Result<engine::Engine*>> Control::Impl::find_engine(
    std::string model, std::optional<std::string> upstream
) {
    std::optional<Error> failure;
    for (auto* engine : context.engines) {
        if (upstream && engine->provider().config().name != *upstream) {
            continue;
        }
        auto const info = co_await engine->resolve(model);
        if (info) {
            co_return engine;
        }
        // Deleted upstream, but still in memory or pinned here: an operator must be able to get rid
        // of it.
        if (holds(*engine, model)) {
            co_return engine;
        }
        // "Not found" is the answer only if every upstream could say so.
        if (!failure || failure->code == Errc::NotFound) {
            failure = info.error();
        }
    }
    if (!failure) {
        co_return fail(
            Errc::NotFound,
            fmt::format("no upstream is called \"{}\"", printable(upstream.value_or(""), 80))
        );
    }
    co_return fail(std::move(*failure));
}

net::Task<void> respond_json(
    net::Exchange& exchange, unsigned status, boost::json::object const& body
) {
    auto reply = http::json_reply(status, boost::json::serialize(body));
    reply.fields.add("Cache-Control", "no-store");
    auto const sent = co_await exchange.respond(std::move(reply));
    static_cast<void>(sent);
}

net::Task<void> respond_error(net::Exchange& exchange, Error const& error) {
    if (error.code == Errc::Cancelled || error.code == Errc::ConnectionClosed) {
        exchange.abort();
        co_return;
    }
    auto const sent = co_await exchange.respond(
        http::error_reply(http::Dialect::Plimsoll, http::status_of(error.code), error.message)
    );
    static_cast<void>(sent);
}

Control::Control(ControlContext context) : impl_(std::make_unique<Impl>(std::move(context))) {}

Control::~Control() = default;

std::span<std::string_view const> Control::paths() {
    static auto const kPaths = [] {
        std::vector<std::string_view> out;
        for (auto const& entry : Impl::endpoints()) {
            if (std::ranges::find(out, entry.path) == out.end()) {
                out.push_back(entry.path);
            }
        }
        return out;
    }();
    return kPaths;
}

net::Task<bool> Control::handle(net::Exchange& exchange) {
    return impl_->handle(exchange);
}

access::Need Control::need_of(http::Method method, std::string_view path) {
    for (auto const* const entry : Impl::entries_at(path)) {
        if (matches(method, entry->method)) {
            return {.right = entry->right, .is_for_limited_keys = false};
        }
    }
    return {};
}

std::vector<Control::Endpoint> Control::endpoints() {
    std::vector<Endpoint> all;
    for (auto const& entry : Impl::endpoints()) {
        all.push_back({entry.method, entry.path, need_of(entry.method, entry.path)});
    }
    return all;
}

}  // namespace plimsoll::control
