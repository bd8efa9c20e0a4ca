// The TLS side of a stream. Readiness is that of the plain bytes, not of the socket: records that
// carry none (tickets, key updates, halves) wake nobody, and bytes that lie decrypted in the
// session wake although the socket is silent.

#include "net/stream.hpp"
#include "net/tls_session.hpp"

#include <utility>

namespace plimsoll::net {

void Stream::use_tls(std::unique_ptr<TlsSession> session) {
    tls_ = std::move(session);
}

Task<Result<void>> Stream::handshake(TimePoint deadline) {
    while (is_open()) {
        auto const step = tls_->handshake();
        if (step == TlsSession::Step::Done) {
            co_return Result<void>();
        }
        if (step == TlsSession::Step::Failed) {
            co_return fail(Errc::UpstreamProtocol, tls_->failure());
        }
        Ready const ready =
            co_await wait(step == TlsSession::Step::WantsRead ? Read : Write, deadline);
        if (ready == Ready::TimedOut) {
            co_return fail(Errc::Timeout, "the TLS handshake did not end in time");
        }
    }
    co_return fail(Errc::Cancelled, "closed during the TLS handshake");
}

bool Stream::falls_back_to_plain() {
    if (!is_open() || !tls_ || !tls_->met_plain_http()) {
        return false;
    }
    tls_.reset();
    return true;
}

void Stream::arm_tls(std::uint8_t directions) {
    if ((directions & Read) != 0) {
        if (tls_->is_established() && tls_->has_buffered() && tls_->peek() != Peek::Nothing) {
            post_read_event();
        } else {
            arm(tls_->read_wants_write() ? Write : Read);
        }
    }
    if ((directions & Write) != 0) {
        arm(tls_->write_wants_read() ? Read : Write);
    }
}

// By way of the loop: who waits must not be resumed inside of its own call.
void Stream::post_read_event() {
    if (std::exchange(read_event_posted_, true)) {
        return;
    }
    loop_.post([self = shared_from_this()] {
        self->read_event_posted_ = false;
        if (self->is_open()) {
            self->on_tls_event(Read);
        }
    });
}

void Stream::on_tls_event(Direction direction) {
    bool const may_write = direction == (tls_->write_wants_read() ? Read : Write);
    bool const may_read = direction == Read || tls_->read_wants_write();
    for (Waiter& waiter : waiters_) {
        if (may_write && (waiter.directions & Write) != 0) {
            fire(waiter, Ready::Yes);
        }
    }
    bool const has_reader = (waiters_[0].directions & Read) != 0;
    if (!may_read || !is_open() || (!has_reader && !watch_)) {
        return;
    }
    if (tls_->is_established() && tls_->peek() == Peek::Nothing) {
        arm(tls_->read_wants_write() ? Write : Read);
    } else if (has_reader) {
        fire(waiters_[0], Ready::Yes);
    } else {
        auto callback = std::exchange(watch_, nullptr);
        callback();
    }
}

}  // namespace plimsoll::net
