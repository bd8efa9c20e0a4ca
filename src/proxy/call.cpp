#include "proxy/call.hpp"

#include "proxy/stream_form.hpp"

#include <plimsoll/http/origin.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::proxy {

namespace {

// The client has a status already, and it says that all is well.
net::Task<void> answer_in_stream(Call& call, http::Reply const& reply) {
    call.status = reply.status;
    auto const text = stream_error(call.route.dialect, reply.status, reply.body, call.id);
    auto const written = co_await call.exchange.write(text);
    if (written) {
        auto const finished = co_await call.exchange.finish();
        static_cast<void>(finished);
    }
}

}  // namespace

// A dictionary of RFC 8941.
std::string queue_value(std::size_t position, Duration waited) {
    return fmt::format("position={}, waited={:.2f}", position, to_seconds(waited));
}

void add_own_fields(Call const& call, http::Fields& fields) {
    fields.set("X-Request-Id", call.id);
    if (!call.adjusted.empty()) {
        fields.set("X-Plimsoll-Adjusted", call.adjusted);
    }
    if (call.position > 0) {
        fields.set("X-Plimsoll-Queue", queue_value(call.position, call.waited));
    }
    if (!call.origin.empty()) {
        http::add_cors(fields, call.origin);
    }
}

net::Task<void> answer(Call& call, http::Reply reply) {
    if (call.is_begun) {
        co_await answer_in_stream(call, reply);
        co_return;
    }
    add_own_fields(call, reply.fields);
    call.status = reply.status;
    auto const sent = co_await call.exchange.respond(std::move(reply));
    static_cast<void>(sent
    );  // a client that is gone needs no answer; the log line says what was tried
}

net::Task<void> answer_error(
    Call& call, unsigned status, std::string_view message, std::optional<Duration> retry_after
) {
    co_await answer(
        call, http::error_reply(call.route.dialect, status, message, call.id, retry_after)
    );
}

net::Task<void> answer_error(Call& call, ClientError const& error) {
    auto reply = http::error_reply(call.route.dialect, error.status, error.text, call.id);
    bool const is_v1 = call.route.dialect == http::Dialect::OpenAi ||
                       call.route.dialect == http::Dialect::Anthropic;
    if (is_v1 && !error.is_of_decoder) {
        reply.fields.set("Content-Type", "application/json");
        reply.body += '\n';
    }
    co_await answer(call, std::move(reply));
}

bool is_client_gone(Error const& error) {
    return error.code == Errc::Cancelled ||
           (error.code == Errc::ConnectionClosed && error.source == ErrorSource::Client);
}

net::Task<void> answer_failure(Call& call, Error const& error) {
    if (is_client_gone(error) || error.code == Errc::ConnectionClosed) {
        call.exchange.abort();
        co_return;
    }
    auto status = http::status_of(error.code);
    std::optional<Duration> retry_after;
    if (error.code == Errc::Timeout) {
        status = 408;  // the client's body made no progress
    } else if (error.code == Errc::QueueFull) {
        retry_after = std::chrono::seconds(1);
    }
    if (status == 408 || status == 413) {
        call.exchange.close_after();  // the rest of the body was not read
    }
    co_await answer_error(call, status, error.message, retry_after);
}

net::Task<void> answer_upstream_failure(Call& call, Error const& error, std::string_view upstream) {
    if (error.code == Errc::Cancelled) {
        call.exchange.abort();
        co_return;
    }
    if (error.source == ErrorSource::Client) {  // the body that was being passed on broke
        co_await answer_failure(call, error);
        co_return;
    }
    auto const text = fmt::format("upstream {}: {}", upstream, error.message);
    if (error.code == Errc::Timeout) {
        co_await answer_error(call, 504, text);
    } else if (error.code == Errc::UpstreamUnavailable) {
        co_await answer_error(call, 502, text, std::chrono::seconds(2));
    } else {
        co_await answer_error(call, 502, text);
    }
}

}  // namespace plimsoll::proxy
