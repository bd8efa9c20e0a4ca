// Requests that load nothing: passed through both ways with fixed buffers.

#include "proxy/headers.hpp"
#include "proxy/impl.hpp"

namespace plimsoll::proxy {
namespace {

// Below this a body is read first, so that the upstream request is one write.
constexpr std::uint64_t kSmallBody = 16 * 1024;

bool is_small(http::Framing const& framing) {
    return framing.kind == http::Framing::Kind::Length && framing.length <= kSmallBody;
}

// What answers from memory is given little time; what may talk to the internet or hash a blob is
// given much.
RelayTimes times_of(
    http::Operation operation, http::RequestHead const& head, upstream::UpstreamConfig const& config
) {
    bool const is_reading = head.method == http::Method::Get || head.method == http::Method::Head;
    bool const is_known = head.path == "/" || head.path == "/api/tags" ||
                          head.path == "/api/version" || head.path == "/api/status" ||
                          head.path.starts_with("/v1/models");
    if (operation == http::Operation::Show || operation == http::Operation::Ps ||
        (is_reading && is_known)) {
        return quick_times(config);
    }
    auto times = stream_times(config);
    times.head = config.answer_timeout;
    times.idle = config.stream_first;
    return times;
}

net::Task<Result<std::string_view>> read_some(Call& call) {
    auto piece = co_await call.exchange.read_body_some();
    if (piece) {
        call.received += piece->size();
    }
    co_return piece;
}

}  // namespace

net::Task<void> Proxy::Impl::passive(Call& call) {
    auto const is_answered = co_await catalogue(call);
    if (is_answered) {
        co_return;
    }
    auto& engine = first(call);
    auto const& head = call.exchange.head();
    auto const times = times_of(call.route.operation, head, engine.provider().config());
    bool const names_model =
        call.pass.is_limited() && call.route.operation == http::Operation::Show;
    if (!names_model && !is_small(head.framing)) {
        co_await pass(call, engine, times, nullptr);
        co_return;
    }
    HeldBody body(bodies);
    auto const read = co_await body.read(call.exchange, kSmallBody);
    if (!read) {
        co_await answer_failure(call, read.error());
        co_return;
    }
    call.received = body.size();
    if (names_model) {
        auto const may_use = co_await may_use_named(call, body.view());
        if (!may_use) {
            co_return;
        }
    }
    auto const is_shown = co_await show_virtual_model(call, body.view());
    if (!is_shown) {
        co_await pass(call, engine, times, &body);
    }
}

net::Task<void> Proxy::Impl::pass(
    Call& call, engine::Engine& engine, RelayTimes times, HeldBody const* body
) {
    auto& exchange = call.exchange;
    auto const& head = exchange.head();
    net::ClientRequest out;
    out.method = head.method;
    out.target = upstream_target(head, call.sends_query);
    out.fields = upstream_fields(head, body != nullptr && body->is_decoded());
    out.head_timeout = times.head;
    std::string_view const plain = body != nullptr ? body->view() : std::string_view();
    if (body != nullptr) {
        out.has_body = true;
        out.pieces = std::span<std::string_view const>(&plain, plain.empty() ? 0 : 1);
    } else if (head.framing.kind != http::Framing::Kind::None) {
        // An answer may come before the upload is over (a blob that exists already): the client's
        // side stops reading.
        out.source = [&call] { return read_some(call); };
        out.source_framing = head.framing;
    }
    bool const is_reading = head.method == http::Method::Get || head.method == http::Method::Head;
    out.replayable = is_reading;
    auto response = co_await engine.provider().client().send(out, &exchange.canceller());
    if (!response) {
        if (response.error().code != Errc::Cancelled) {
            kLog.warning(
                "upstream failed before it answered",
                {{"upstream", engine.provider().config().name}, {"error", response.error().message}
                },
                call.id
            );
        }
        co_await answer_upstream_failure(call, response.error(), engine.provider().config().name);
        co_return;
    }
    auto const result = co_await relay_answer(call, *response, times, false);
    if (result.end == RelayResult::End::Complete) {
        auto const finished = co_await exchange.finish();
        static_cast<void>(finished);
    } else if (result.end == RelayResult::End::UpstreamLost) {
        kLog.warning(
            "upstream broke off in the middle of an answer", {{"error", result.text}}, call.id
        );
    }
}

}  // namespace plimsoll::proxy
