// The answer's side of an exchange.

#include "net/exchange.hpp"

#include <plimsoll/log/log.hpp>

#include <spdlog/fmt/fmt.h>

#include <array>
#include <cstring>
#include <utility>

namespace plimsoll::net {

namespace {

constexpr log::Logger kLog("net");

iovec piece_of(std::string_view bytes) {
    // The C interface has no const; sendmsg only reads.
    return {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
}

// Takes `count` sent bytes off the front.
std::span<iovec> advance(std::span<iovec> pieces, std::size_t count) {
    while (!pieces.empty() && count >= pieces.front().iov_len) {
        count -= pieces.front().iov_len;
        pieces = pieces.subspan(1);
    }
    if (!pieces.empty()) {
        pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + count;
        pieces.front().iov_len -= count;
    }
    return pieces;
}

}  // namespace

Result<void> ServerExchange::check_open() const {
    // Not the canceller: a client whose body stalled can still be told so.
    if (!connection_.stream().is_open()) {
        return fail(Errc::Cancelled, "the client is gone", ErrorSource::Client);
    }
    return {};
}

// A head that was made but not sent can still be replaced: an upstream may fail between its head
// and its first byte.
Result<void> ServerExchange::check_unanswered() const {
    if (head_sent_ || answer_ == Answer::Ended) {
        return fail(Errc::Invalid, "the request was answered already");
    }
    return check_open();
}

bool ServerExchange::sends_body() const {
    return head_.method != http::Method::Head && status_ >= 200 && status_ != 204 && status_ != 304;
}

// Everything that decides about the connection's future is known here, because the head has to say
// it: what of the request is still unread now would be taken for the next request.
void ServerExchange::make_head(
    unsigned status, std::string_view reason, http::Fields const& fields
) {
    status_ = status;
    answer_ = Answer::Open;
    if (framing_.kind == http::Framing::Kind::Chunked && head_.minor_version == 0) {
        framing_ = {.kind = http::Framing::Kind::UntilClose, .length = 0};
    }
    if (status == 204 || status < 200) {
        framing_ = {};
    } else if (framing_.kind == http::Framing::Kind::None && sends_body()) {
        framing_ = {.kind = http::Framing::Kind::Length, .length = 0};
    }
    if (!body_ended_ && body_.kind() == http::Framing::Kind::Length &&
        body_.remaining() <= connection_.input().size()) {
        connection_.input().consume(body_.remaining());
        body_ended_ = true;
    }
    keep_alive_ = head_.keep_alive && body_ended_ && !close_after_ &&
                  !connection_.core().is_draining() &&
                  framing_.kind != http::Framing::Kind::UntilClose;
    if (reason.empty()) {
        reason = http::reason_phrase(status);
    }
    head_text_ = http::write_response_head(
        status, reason, fields, framing_, keep_alive_, head_.minor_version
    );
    if (!fields.get("Date")) {
        head_text_.insert(head_text_.size() - 2, connection_.core().date_line());
    }
}

Task<Result<void>> ServerExchange::respond(http::Reply reply) {
    auto const free = check_unanswered();
    if (!free) {
        co_return free;
    }
    framing_ = {.kind = http::Framing::Kind::Length, .length = reply.body.size()};
    make_head(reply.status, {}, reply.fields);
    std::array<iovec, 2> pieces{piece_of(head_text_), piece_of(reply.body)};
    auto const count = sends_body() && !reply.body.empty() ? 2U : 1U;
    head_sent_ = true;
    answer_ = Answer::Ended;
    body_bytes_ = count == 2 ? reply.body.size() : 0;
    co_return co_await send(std::span(pieces).first(count));
}

Task<Result<void>> ServerExchange::start(
    unsigned status,
    std::string_view reason,
    http::Fields const& fields,
    http::Framing framing,
    bool flush_head
) {
    auto const free = check_unanswered();
    if (!free) {
        co_return free;
    }
    framing_ = framing;
    make_head(status, reason, fields);
    if (!flush_head) {
        co_return check_open();
    }
    std::array<iovec, 1> pieces{piece_of(head_text_)};
    head_sent_ = true;
    auto const sent = co_await send(pieces);
    head_text_.clear();
    co_return sent;
}

Task<Result<void>> ServerExchange::write(std::string_view bytes) {
    if (answer_ != Answer::Open) {
        co_return fail(Errc::Cancelled, "the answer has ended");
    }
    // An empty chunk would end the message.
    if (bytes.empty() || !sends_body()) {
        co_return check_open();
    }
    using enum http::Framing::Kind;
    if (framing_.kind == None || (framing_.kind == Length && bytes.size() > framing_.length)) {
        abort();
        co_return fail(
            Errc::UpstreamProtocol,
            "the answer is longer than its head announced",
            ErrorSource::Upstream
        );
    }
    std::array<iovec, 4> pieces{};
    std::size_t count = 0;
    char header[20];
    if (!head_text_.empty()) {
        pieces[count++] = piece_of(head_text_);
    }
    if (framing_.kind == Chunked) {
        pieces[count++] = piece_of(http::chunk_header(bytes.size(), header));
    }
    pieces[count++] = piece_of(bytes);
    if (framing_.kind == Chunked) {
        pieces[count++] = piece_of(http::kChunkEnd);
    }
    if (framing_.kind == Length) {
        framing_.length -= bytes.size();
    }
    head_sent_ = true;
    body_bytes_ += bytes.size();
    auto const sent = co_await send(std::span(pieces).first(count));
    head_text_.clear();
    co_return sent;
}

Task<Result<void>> ServerExchange::finish() {
    if (answer_ != Answer::Open) {
        co_return fail(Errc::Cancelled, "the answer has ended");
    }
    if (sends_body() && framing_.kind == http::Framing::Kind::Length && framing_.length > 0) {
        abort();
        co_return fail(
            Errc::UpstreamProtocol,
            fmt::format("the answer ended {} bytes too early", framing_.length),
            ErrorSource::Upstream
        );
    }
    answer_ = Answer::Ended;
    std::array<iovec, 2> pieces{};
    std::size_t count = 0;
    if (!head_text_.empty()) {
        pieces[count++] = piece_of(head_text_);
    }
    if (sends_body() && framing_.kind == http::Framing::Kind::Chunked) {
        pieces[count++] = piece_of(http::kLastChunk);
    }
    if (count == 0) {
        co_return check_open();
    }
    head_sent_ = true;
    auto const sent = co_await send(std::span(pieces).first(count));
    head_text_.clear();
    co_return sent;
}

Task<Result<void>> ServerExchange::write_interim(unsigned status, http::Fields const& fields) {
    if (head_.minor_version == 0 || answer_ != Answer::None) {
        co_return check_open();
    }
    auto const text =
        http::write_response_head(status, http::reason_phrase(status), fields, {}, true, 1);
    std::array<iovec, 1> pieces{piece_of(text)};
    co_return co_await send(pieces);
}

Task<Result<void>> ServerExchange::write_raw(std::string_view bytes) {
    close_after_ = true;
    keep_alive_ = false;
    answer_ = Answer::Ended;
    head_sent_ = true;
    body_bytes_ += bytes.size();
    std::array<iovec, 2> pieces{piece_of(head_text_), piece_of(bytes)};
    auto const sent = co_await send(pieces);
    head_text_.clear();
    co_return sent;
}

Task<Result<void>> ServerExchange::send(std::span<iovec> pieces) {
    Stream& stream = connection_.stream();
    while (true) {
        auto const open = check_open();
        if (!open) {
            co_return open;
        }
        IoStep const step = stream.write(pieces);
        if (step.kind == IoStep::Kind::Moved) {
            pieces = advance(pieces, step.bytes);
            if (pieces.empty()) {
                break;
            }
            continue;
        }
        if (step.kind == IoStep::Kind::End) {
            break;  // nothing to send
        }
        if (step.kind == IoStep::Kind::Failed) {
            leave();
            co_return fail(
                Errc::Cancelled, "the client closed the connection", ErrorSource::Client
            );
        }
        auto const limit = connection_.config().write_timeout;
        Ready const ready =
            co_await stream.wait(Stream::Write, deadline_after(connection_.loop().now(), limit));
        if (ready == Ready::TimedOut) {
            kLog.debug(
                "client reads nothing", {{"peer", connection_.peer()}, {"target", head_.target}}
            );
            leave();
            co_return fail(
                Errc::Timeout,
                fmt::format("the client read nothing for {}", format_duration(limit)),
                ErrorSource::Client
            );
        }
    }
    if (stream.wants_yield()) {
        co_await stream.yield();
    }
    co_return Result<void>();
}

void ServerExchange::abort() {
    answer_ = Answer::Ended;
    keep_alive_ = false;
    head_text_.clear();
    // Where the end of the connection ends the message, only a reset shows that it was cut.
    if (head_sent_ && framing_.kind == http::Framing::Kind::UntilClose) {
        connection_.stream().reset();
    } else {
        connection_.stream().close();
    }
}

Task<void> ServerExchange::complete() {
    if (answer_ == Answer::Ended || !connection_.stream().is_open()) {
        co_return;
    }
    if (answer_ == Answer::Open && head_sent_) {
        kLog.debug("answer cut", {{"target", head_.target}, {"sent_bytes", body_bytes_}});
        abort();
        co_return;
    }
    http::Refusal refusal{
        .status = 500, .message = "internal error; the log of the daemon has the details"
    };
    if (body_stalled_) {
        refusal = {.status = 408, .message = "the request body did not arrive in time"};
    } else if (!handler_failed_) {
        kLog.error("a request handler gave no answer", {{"target", head_.target}});
    }
    answer_ = Answer::None;
    close_after_ = true;
    auto const sent = co_await respond(connection_.config().refuse(refusal));
    if (!sent) {
        connection_.stream().close();
    }
}

bool ServerExchange::keeps_connection() const {
    return answer_ == Answer::Ended && keep_alive_ && !close_after_ && body_ended_;
}

}  // namespace plimsoll::net
