// The relay under a lease: the request is written so that it means exactly the leased instance, and
// what came of it is told to the engine.

#include "proxy/adjust.hpp"
#include "proxy/headers.hpp"
#include "proxy/impl.hpp"
#include "proxy/model_error.hpp"

#include <spdlog/fmt/fmt.h>

namespace plimsoll::proxy {
namespace {

constexpr unsigned kBusyRetries = 5;
constexpr std::size_t kMaxErrorBody = 64 * 1024;

// An answer whose head came, with its body already read where it had to be looked at.
struct Sent {
    net::ClientResponse response;
    std::optional<std::string> whole;
};

// The upstream's own queue being full means that nothing was started: the lease stays, and we ask
// again.
net::Task<Result<Sent>> send_patiently(
    Call& call, engine::Engine& engine, net::ClientRequest const& request, Duration read_timeout
) {
    auto& canceller = call.exchange.canceller();
    auto const seed = static_cast<std::uint64_t>(call.started.time_since_epoch().count());
    net::Backoff backoff(std::chrono::milliseconds(250), std::chrono::seconds(2), seed);
    for (;;) {
        auto response = co_await engine.provider().client().send(request, &canceller);
        if (!response) {
            co_return fail(std::move(response.error()));
        }
        auto const status = response->head().status;
        bool const is_for_stream = call.is_begun && status != 200;
        if (status != 503 && !is_for_stream) {
            co_return Sent{std::move(*response), std::nullopt};
        }
        auto text = co_await response->read_all(kMaxErrorBody, read_timeout, &canceller);
        if (!text) {
            co_return fail(std::move(text.error()));
        }
        bool const is_busy = status == 503 && smell_of(*text) == Smell::Busy;
        if (!is_busy || backoff.attempt() >= kBusyRetries) {
            co_return Sent{std::move(*response), std::move(*text)};
        }
        kLog.warning(
            "the upstream's own queue is full; trying again", {{"model", call.model}}, call.id
        );
        auto const slept = co_await net::sleep_until(
            call.exchange.loop(), call.exchange.loop().now() + backoff.next(), &canceller
        );
        if (!slept) {
            co_return fail(slept.error());
        }
    }
}

RelayTimes times_of(Inference const& request) {
    auto const& config = request.engine->provider().config();
    return request.is_stream ? stream_times(config) : answer_times(config);
}

net::Task<RelayResult> answer_whole(Call& call, Sent sent) {
    http::Reply reply{
        sent.response.head().status, client_fields(sent.response.head()), std::move(*sent.whole)
    };
    if (!reply.fields.get("Retry-After")) {
        reply.fields.add("Retry-After", "1");
    }
    RelayResult result;
    result.smell = smell_of(reply.body);
    co_await answer(call, std::move(reply));
    co_return result;
}

}  // namespace

net::Task<bool> Proxy::Impl::relay_leased(
    Call& call, Inference& request, engine::Lease& lease, bool may_retry
) {
    auto const& head = call.exchange.head();
    call.engine = request.engine;
    call.info = request.info;
    net::ClientRequest out;
    out.method = head.method;
    out.target = upstream_target(head, call.sends_query);
    out.fields = upstream_fields(head, request.body.is_decoded());
    out.has_body = true;
    auto const times = times_of(request);
    out.head_timeout = times.head;
    // Never sent twice by the pool: a dead connection may mean a restarted upstream, where the
    // model is gone and the second copy would load it behind our back.
    out.replayable = false;
    http::SplicedBody spliced;
    std::string_view const plain = request.body.view();
    std::span<std::string_view const> pieces(&plain, 1);
    bool const is_spliced =
        request.is_json && !lease.free_of_charge && request.members.is_object &&
        (call.route.carries_options || call.route.operation == http::Operation::UnknownPost);
    if (is_spliced) {
        auto const change = adjust(request.members, request.options, lease.form, lease.settings);
        call.adjusted = name_all(change, request.keep_alive.adjusted);
        if (change.is_needed()) {
            spliced = apply(plain, request.members, change);
            pieces = spliced.pieces;
        }
    }
    out.pieces = pieces;
    auto sent = co_await send_patiently(call, *request.engine, out, times.idle);
    if (!sent) {
        auto const again = co_await send_failed(call, request, lease, sent.error(), may_retry);
        co_return again;
    }
    if (sent->whole) {
        auto const result = co_await answer_whole(call, std::move(*sent));
        judge(call, request, lease, result);
        co_return false;
    }
    auto const result = co_await relay_answer(call, sent->response, times, request.is_stream);
    judge(call, request, lease, result);
    if (result.end == RelayResult::End::Complete) {
        auto const finished = co_await call.exchange.finish();
        static_cast<void>(finished);
    }
    co_return false;
}

net::Task<bool> Proxy::Impl::send_failed(
    Call& call, Inference& request, engine::Lease& lease, Error const& error, bool may_retry
) {
    auto const& name = request.engine->provider().config().name;
    if (error.code == Errc::Cancelled) {
        lease.end(core::TicketOutcome::ClientGone);
        call.exchange.abort();
        co_return false;
    }
    kLog.warning(
        "upstream failed before it answered",
        {{"model", call.model}, {"upstream", name}, {"error", error.message}},
        call.id
    );
    lease.end(core::TicketOutcome::ConnectionLost);
    request.engine->suspect_upstream(fmt::format("no answer for {}: {}", call.model, error.message)
    );
    if (error.code == Errc::UpstreamUnavailable && may_retry) {
        co_return true;  // nothing was sent: the next lease waits until the upstream is back and
                         // has the model
    }
    co_await answer_upstream_failure(call, error, name);
    co_return false;
}

void Proxy::Impl::judge(
    Call& call, Inference& request, engine::Lease& lease, RelayResult const& result
) {
    using core::TicketOutcome;
    switch (result.end) {
        case RelayResult::End::ClientGone:
            lease.end(TicketOutcome::ClientGone);
            return;
        case RelayResult::End::UpstreamLost:
            kLog.warning(
                "upstream broke off in the middle of an answer",
                {{"model", call.model}, {"error", result.text}},
                call.id
            );
            lease.end(TicketOutcome::ConnectionLost);
            request.engine->suspect_upstream(
                fmt::format("an answer of {} broke off: {}", call.model, result.text)
            );
            return;
        case RelayResult::End::Complete:
            break;
    }
    switch (result.smell) {
        case Smell::OutOfMemory:
            lease.end(TicketOutcome::OutOfMemory);
            request.engine->suspect_upstream(fmt::format("{} ran out of memory", call.model));
            return;
        case Smell::RunnerDied:
            lease.end(TicketOutcome::UpstreamError);
            request.engine->suspect_upstream(fmt::format("the runner of {} died", call.model));
            return;
        case Smell::None:
        case Smell::Error:
        case Smell::Busy:
            break;
    }
    if (result.is_mark_missing) {
        // On /v1 a failure in mid-stream is invisible but for this.
        ++broken_streams;
        kLog.warning(
            "a stream ended without its end mark",
            {{"model", call.model}, {"so_far", broken_streams}},
            call.id
        );
        lease.end(TicketOutcome::UpstreamError);
        request.engine->suspect_upstream(
            fmt::format("a stream of {} ended without its end mark", call.model)
        );
        return;
    }
    lease.end(call.status >= 500 ? TicketOutcome::UpstreamError : TicketOutcome::Done);
}

}  // namespace plimsoll::proxy
