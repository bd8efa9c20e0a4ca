#include "net/connection.hpp"

#include "net/exchange.hpp"

#include <plimsoll/log/log.hpp>

#include <exception>
#include <utility>

namespace plimsoll::net {

namespace {

constexpr log::Logger kLog("net");

constexpr std::size_t kFirstRead = 8 * 1024;
// After the last answer what the client still sends is thrown away for a while: closing at once
// would answer it with a reset, which makes the client lose the answer (RFC 9112 9.6).
constexpr Duration kLingerTime = std::chrono::seconds(2);
constexpr std::size_t kLingerBytes = 4 << 20;
// A refused connection is not worth a full head time-out.
constexpr Duration kRefusedTime = std::chrono::seconds(2);

}  // namespace

Connection::Connection(
    std::shared_ptr<ServerCore> core,
    std::shared_ptr<ServerConfig const> config,
    std::shared_ptr<Stream> stream,
    std::string peer,
    bool refused
)
    : core_(std::move(core)),
      config_(std::move(config)),
      stream_(std::move(stream)),
      peer_(std::move(peer)),
      place_(core_->enter(*this)),
      refused_(refused) {}

Connection::~Connection() {
    stream_->end();
    core_->leave(place_);
}

Task<void> Connection::serve(std::unique_ptr<Connection> self) {
    if (self->stream_->is_tls()) {
        bool const agreed = co_await self->agree_on_tls();
        if (!agreed) {
            co_return;
        }
    }
    Next next = Next::Again;
    while (next == Next::Again) {
        bool const some = co_await self->await_bytes();
        if (!some) {
            co_return;
        }
        next = co_await self->serve_one();
    }
    if (next == Next::Linger) {
        co_await self->linger();
    }
}

// False: the connection ends here. A client that has to wait for others costs no more than one that
// is slow with its head.
Task<bool> Connection::agree_on_tls() {
    Duration const limit = refused_ ? kRefusedTime : config_->head_timeout;
    auto const agreed = co_await stream_->handshake(deadline_after(loop().now(), limit));
    if (agreed) {
        co_return true;
    }
    kLog.debug("TLS handshake failed", {{"peer", peer_}, {"why", agreed.error().message}});
    if (stream_->falls_back_to_plain()) {
        idle_ = false;
        co_await refuse(
            {.status = 400, .message = "this port speaks TLS: write https:// in the URL"}
        );
        co_await linger();
    }
    co_return false;
}

// False: the connection ends here.
Task<bool> Connection::await_bytes() {
    if (!input_.empty()) {
        // A pipelined request: others first.
        co_await stream_->yield();
        co_return stream_->is_open();
    }
    input_.release();
    if (core_->is_draining()) {
        co_return false;
    }
    idle_ = true;
    // Until its first byte a new connection has no better claim than one that is slow with its
    // head.
    Duration const limit = refused_ ? kRefusedTime
                           : first_ ? config_->head_timeout
                                    : config_->idle_timeout;
    Ready const ready = co_await stream_->wait(Stream::Read, deadline_after(loop().now(), limit));
    idle_ = false;
    first_ = false;
    co_return ready == Ready::Yes;
}

Task<Connection::Next> Connection::serve_one() {
    ServerExchange exchange(*this);
    http::Refusal refusal;
    HeadEnd const end = co_await read_head(exchange.head_, refusal);
    if (end == HeadEnd::Gone) {
        co_return Next::Close;
    }
    if (end == HeadEnd::TimedOut) {
        refusal = {.status = 408, .message = "the request head did not arrive in time"};
    }
    if (end == HeadEnd::Done && refused_) {
        refusal = {.status = 503, .message = "too many connections; try again later"};
    }
    if (end != HeadEnd::Done || refused_) {
        kLog.debug(
            "request refused",
            {{"peer", peer_}, {"status", std::uint64_t{refusal.status}}, {"why", refusal.message}}
        );
        co_await refuse(std::move(refusal));
        co_return Next::Linger;
    }
    exchange.begin();
    exchange_ = &exchange;
    co_await run_handler(exchange);
    exchange_ = nullptr;
    stream_->unwatch();
    if (!stream_->is_open()) {
        co_return Next::Close;
    }
    if (exchange.keeps_connection()) {
        co_return Next::Again;
    }
    co_return exchange.has_unread_body() || !input_.empty() ? Next::Linger : Next::Close;
}

Task<Connection::HeadEnd> Connection::read_head(http::RequestHead& head, http::Refusal& refusal) {
    TimePoint deadline = kNever;
    bool parse = !input_.empty();
    while (true) {
        if (parse) {
            auto progress = http::parse_request_head(input_.view(), config_->head, head);
            if (progress.kind == http::ParseProgress::Kind::Done) {
                input_.consume(progress.consumed);
                co_return HeadEnd::Done;
            }
            if (progress.kind == http::ParseProgress::Kind::Refused) {
                refusal = std::move(progress.refusal);
                co_return HeadEnd::Refused;
            }
        }
        IoStep const step =
            stream_->read(input_.prepare(input_.empty() ? kFirstRead : kFirstRead / 4));
        if (step.kind == IoStep::Kind::Moved) {
            bool const is_first = input_.empty();
            input_.commit(step.bytes);
            // A head ends with a line. Offering it again for every byte of a slow client would cost
            // the square of its size.
            auto const fresh = input_.view().substr(input_.size() - step.bytes);
            parse = is_first || fresh.find('\n') != std::string_view::npos ||
                    input_.size() > config_->head.max_head;
            continue;
        }
        if (step.kind != IoStep::Kind::WouldBlock) {
            co_return HeadEnd::Gone;
        }
        parse = false;
        if (deadline == kNever) {
            deadline = deadline_after(loop().now(), config_->head_timeout);
        }
        Ready const ready = co_await stream_->wait(Stream::Read, deadline);
        if (ready != Ready::Yes) {
            co_return ready == Ready::TimedOut ? HeadEnd::TimedOut : HeadEnd::Gone;
        }
    }
}

Task<void> Connection::run_handler(ServerExchange& exchange) {
    try {
        co_await core_->handler()(exchange);
    } catch (std::exception const& error) {
        kLog.error(
            "a request handler failed",
            {{"target", exchange.head().target}, {"error", error.what()}}
        );
        exchange.fail_handler();
    } catch (...) {
        kLog.error(
            "a request handler failed",
            {{"target", exchange.head().target}, {"error", "unknown exception"}}
        );
        exchange.fail_handler();
    }
    co_await exchange.complete();
}

Task<void> Connection::refuse(http::Refusal refusal) {
    ServerExchange exchange(*this);
    exchange.begin_refusal();
    auto const sent = co_await exchange.respond(config_->refuse(refusal));
    if (!sent) {
        stream_->close();
    }
}

Task<void> Connection::linger() {
    stream_->unwatch();
    stream_->shutdown_send();
    TimePoint const deadline = deadline_after(loop().now(), kLingerTime);
    auto const room = input_.prepare(kFirstRead);
    std::size_t left = kLingerBytes;
    while (true) {
        IoStep const step = stream_->read(room);
        if (step.kind == IoStep::Kind::Moved && step.bytes < left) {
            left -= step.bytes;
            continue;
        }
        if (step.kind != IoStep::Kind::WouldBlock) {
            co_return;
        }
        Ready const ready = co_await stream_->wait(Stream::Read, deadline);
        if (ready != Ready::Yes) {
            co_return;
        }
    }
}

void Connection::close_if_idle() {
    if (idle_) {
        stream_->end();
    }
}

void Connection::end_now() {
    if (exchange_ != nullptr) {
        exchange_->leave();
    }
    stream_->close();
}

}  // namespace plimsoll::net
