// Who is let in, and for which models: keys against what a route needs (docs/security.md).

#include "proxy/entrance.hpp"

#include "proxy/hints.hpp"
#include "proxy/impl.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/catalogue.hpp>
#include <plimsoll/http/members.hpp>

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

namespace plimsoll::proxy {
namespace {

using http::Operation;

constexpr std::string_view kUnixPeer = "unix";  // as Exchange::peer() says it

bool is_health(std::string_view path) {
    return path == "/healthz" || path == "/readyz";
}

http::Reply denial_reply(Call const& call, access::Denial const& denial) {
    auto reply = http::error_reply(
        call.route.dialect, denial.status, denial.text, call.id, denial.retry_after
    );
    if (denial.status == 401) {
        reply.fields.add("WWW-Authenticate", R"(Bearer realm="plimsoll")");
    }
    return reply;
}

}  // namespace

access::Need need_of(http::Method method, std::string_view path) {
    using access::Right;
    switch (http::find_route(method, path).operation) {
        case Operation::Generate:
        case Operation::Chat:
        case Operation::Embed:
        case Operation::Embeddings:
        case Operation::OpenAiChat:
        case Operation::OpenAiCompletions:
        case Operation::OpenAiEmbeddings:
        case Operation::OpenAiResponses:
        case Operation::OpenAiAudio:
        case Operation::AnthropicMessages:
        case Operation::Ps:
        case Operation::Show:
            return {.right = Right::Inference, .is_for_limited_keys = true};
        case Operation::Pull:
        case Operation::Push:
        case Operation::Delete:
            return {.right = Right::Operator, .is_for_limited_keys = true};
        case Operation::Create:  // these make one model of another
        case Operation::Copy:
        case Operation::Blob:
            return {.right = Right::Operator, .is_for_limited_keys = false};
        case Operation::UnknownPost:
            return {};
        case Operation::Other:
            break;
    }
    return http::is_catalogue(method, path)
               ? access::Need{.right = Right::Inference, .is_for_limited_keys = true}
               : access::Need{};
}

std::vector<std::string_view> secrets_of(http::Fields const& fields) {
    constexpr std::string_view kScheme = "Bearer ";
    std::vector<std::string_view> secrets;
    if (fields.count("Authorization") == 1) {
        auto const value = *fields.get("Authorization");
        if (istarts_with(value, kScheme)) {
            secrets.push_back(trim(value.substr(kScheme.size())));
        }
    }
    if (fields.count("x-api-key") == 1) {
        secrets.push_back(trim(*fields.get("x-api-key")));
    }
    return secrets;
}

Result<std::vector<std::string>> named_models(std::string_view body) {
    auto const members = http::find_members(body);
    if (!members) {
        return fail(Error(members.error()));
    }
    std::vector<std::string> names;
    for (auto const* const member :
         {&members->model, &members->name, &members->source, &members->destination}) {
        bool const is_text = *member && (*member)->value.kind == http::RawValue::Kind::String;
        if (is_text && !(*member)->value.text.empty()) {
            names.push_back((*member)->value.text);
        }
    }
    return names;
}

std::string_view urgency_of(core::Priority priority) {
    switch (priority) {
        case core::Priority::High:
            return "u=1";
        case core::Priority::Normal:
            return "u=3";
        case core::Priority::Low:
            break;
    }
    return "u=6";
}

std::vector<KnownNeed> known_needs() {
    std::vector<KnownNeed> all;
    for (auto const& known : http::known_routes()) {
        all.push_back({known.method, known.path, need_of(known.method, known.path)});
    }
    return all;
}

net::Task<bool> Proxy::Impl::pass_guard(Call& call, access::Door door) {
    auto const& head = call.exchange.head();
    bool const is_own = call.route.route_class == http::RouteClass::Own;
    if (is_own && door == access::Door::Public && config.has_admin_door && !is_health(head.path)) {
        co_await answer_error(
            call, 404, "this is only on the admin listener ([admin] listen in the configuration)"
        );
        co_return false;
    }
    if (!guard.is_closed()) {
        co_return true;
    }
    auto const secrets = secrets_of(head.fields);
    auto pass = guard.admit(
        {.door = door,
         .peer =
             call.exchange.peer() == kUnixPeer ? access::Peer::UnixSocket : access::Peer::Network,
         .need = is_own ? own.need(head.method, head.path) : need_of(head.method, head.path),
         .secrets = secrets},
        call.started
    );
    if (!pass) {
        co_await answer(call, denial_reply(call, pass.error()));
        co_return false;
    }
    call.pass = std::move(*pass);
    // What handles the request elsewhere reads its class from the field, and must not read more
    // than the key gives.
    if (auto const* const key = call.pass.key(); key != nullptr && key->priority) {
        call.priority_field = urgency_of(*call.pass.priority(priority_of(head.fields)));
    }
    co_return true;
}

net::Task<bool> Proxy::Impl::may_use_model(Call& call, std::string_view model) {
    if (call.pass.may_use(model)) {
        co_return true;
    }
    auto const& key = *call.pass.key();
    co_await answer_error(
        call,
        403,
        fmt::format(
            "the key \"{}\" is not for the model \"{}\"; it is for {}",
            key.name,
            printable(model, 200),
            fmt::join(key.models, ", ")
        )
    );
    co_return false;
}

net::Task<bool> Proxy::Impl::may_use_named(Call& call, std::string_view body) {
    if (!call.pass.is_limited()) {
        co_return true;
    }
    auto const names = named_models(body);
    if (!names) {  // the upstream would refuse it, too
        co_await answer_error(call, 400, names.error().message);
        co_return false;
    }
    for (auto const& name : *names) {
        auto const is_allowed = co_await may_use_model(call, name);
        if (!is_allowed) {
            co_return false;
        }
    }
    co_return true;
}

}  // namespace plimsoll::proxy
