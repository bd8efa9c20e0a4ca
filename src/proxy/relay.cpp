#include "proxy/relay.hpp"

#include "proxy/headers.hpp"

namespace plimsoll::proxy {
namespace {

// The framing towards the client. What ends with the connection upstream is chunked for the client,
// who can then see whether it was all.
http::Framing client_framing(http::ResponseHead const& head) {
    using Kind = http::Framing::Kind;
    return head.framing.kind == Kind::UntilClose ? http::Framing{Kind::Chunked, 0} : head.framing;
}

// The answer's head, unless the client has one already.
net::Task<Result<void>> start(
    Call& call, http::ResponseHead const& head, http::Framing framing, bool flush_head
) {
    if (call.is_begun) {
        co_return Result<void>();
    }
    auto fields = client_fields(head);
    add_own_fields(call, fields);
    co_return co_await call.exchange.start(head.status, head.reason, fields, framing, flush_head);
}

}  // namespace

RelayTimes stream_times(upstream::UpstreamConfig const& config) {
    return {config.stream_first, config.stream_first, config.stream_idle};
}

RelayTimes answer_times(upstream::UpstreamConfig const& config) {
    return {config.answer_timeout, config.answer_timeout, config.stream_idle};
}

RelayTimes quick_times(upstream::UpstreamConfig const& config) {
    return {config.timeout, config.timeout, config.timeout};
}

net::Task<RelayResult> relay_answer(
    Call& call, net::ClientResponse& response, RelayTimes const& times, bool is_stream
) {
    auto& exchange = call.exchange;
    auto const& head = response.head();
    call.status = head.status;
    auto const framing = client_framing(head);
    // An answer of known length leaves with its head in one write; of a stream nobody knows when
    // the first piece comes.
    bool const flush_head = framing.kind == http::Framing::Kind::Chunked;
    RelayResult result;
    auto const started = co_await start(call, head, framing, flush_head);
    if (!started) {
        result.end = RelayResult::End::ClientGone;
        co_return result;
    }
    StreamWatch watch(call.route.operation, head.status, is_stream && flush_head);
    auto timeout = times.first;
    for (;;) {
        auto const piece = co_await response.read_some(timeout, &exchange.canceller());
        if (!piece) {
            bool const gone = piece.error().code == Errc::Cancelled;
            result.end = gone ? RelayResult::End::ClientGone : RelayResult::End::UpstreamLost;
            result.text = piece.error().message;
            exchange.abort();
            co_return result;
        }
        if (piece->empty()) {
            break;
        }
        if (call.first_byte == TimePoint{}) {
            call.first_byte = exchange.loop().now();
        }
        watch.see(*piece);
        auto const written = co_await exchange.write(*piece);
        if (!written) {
            // Longer than announced is the upstream's fault; all else means that the client takes
            // no more.
            bool const is_upstream = written.error().source == ErrorSource::Upstream;
            result.end =
                is_upstream ? RelayResult::End::UpstreamLost : RelayResult::End::ClientGone;
            result.text = written.error().message;
            co_return result;
        }
        timeout = times.idle;
    }
    result.smell = watch.smell();
    result.is_mark_missing = watch.is_mark_missing();
    co_return result;
}

}  // namespace plimsoll::proxy
