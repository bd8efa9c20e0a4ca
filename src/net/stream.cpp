#include "net/stream.hpp"

#include "net/tls_session.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace plimsoll::net {

namespace {

IoStep step_of(ssize_t result) {
    if (result > 0) {
        return {
            .kind = IoStep::Kind::Moved, .bytes = static_cast<std::size_t>(result), .failure = {}
        };
    }
    if (result == 0) {
        return {.kind = IoStep::Kind::End, .bytes = 0, .failure = {}};
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return {};
    }
    return {.kind = IoStep::Kind::Failed, .bytes = 0, .failure = {errno, std::system_category()}};
}

IoStep closed_step() {
    return {
        .kind = IoStep::Kind::Failed,
        .bytes = 0,
        .failure = std::make_error_code(std::errc::bad_file_descriptor)
    };
}

}  // namespace

// What the reactor calls. Dropped uncalled, when the loop ends, it breaks the circle of a stream
// that holds the coroutine that holds the stream.
class Stream::Event {
  public:
    Event(std::shared_ptr<Stream> stream, Direction direction)
        : stream_(std::move(stream)), direction_(direction) {}

    ~Event() {
        if (stream_) {
            stream_->abandon();
        }
    }

    Event(Event&&) noexcept = default;
    Event& operator=(Event&&) = delete;
    Event(Event const&) = delete;
    Event& operator=(Event const&) = delete;

    void operator()(boost::system::error_code const&) {
        auto const stream = std::move(stream_);
        stream->armed_ = static_cast<std::uint8_t>(stream->armed_ & ~direction_);
        if (stream->is_open()) {
            stream->on_event(direction_);
        }
    }

  private:
    std::shared_ptr<Stream> stream_;
    Direction direction_;
};

TimePoint deadline_after(TimePoint now, Duration limit) {
    if (limit <= Duration::zero() || limit >= kNever - now) {
        return kNever;
    }
    return now + limit;
}

Stream::Stream(Loop& loop, int fd, bool is_v6)
    : loop_(loop), socket_(loop.executor()), timer_(loop, false), fd_(fd) {
    // Asio keeps the descriptor alone of it: a Unix socket does as TCP.
    socket_.assign(is_v6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(), fd);
}

Stream::~Stream() = default;

IoStep Stream::read(std::span<char> into) {
    if (!is_open()) {
        return closed_step();
    }
    if (tls_) [[unlikely]] {
        IoStep const step = tls_->read(into);
        moved_ += step.bytes;
        return step;
    }
    ssize_t result = 0;
    do {
        result = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    } while (result < 0 && errno == EINTR);
    IoStep const step = step_of(result);
    moved_ += step.bytes;
    return step;
}

IoStep Stream::write(std::span<iovec> pieces) {
    if (!is_open()) {
        return closed_step();
    }
    if (tls_) [[unlikely]] {
        IoStep const step = tls_->write(pieces);
        moved_ += step.bytes;
        return step;
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = std::min<std::size_t>(pieces.size(), 16);
    ssize_t result = 0;
    do {
        result = ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (result < 0 && errno == EINTR);
    IoStep const step = step_of(result);
    moved_ += step.bytes;
    return step;
}

Peek Stream::peek() const {
    if (!is_open()) {
        return Peek::Gone;
    }
    if (tls_) [[unlikely]] {
        return tls_->peek();
    }
    char byte = 0;
    ssize_t const result = ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (result > 0) {
        return Peek::Data;
    }
    bool const waits = result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return waits ? Peek::Nothing : Peek::Gone;
}

void Stream::start_wait(Direction direction, TimePoint deadline, Resume<Ready> resume) {
    moved_ = 0;
    if (!is_open()) {
        loop_.post([resume = std::move(resume)]() mutable { resume(Ready::Closed); });
        return;
    }
    Waiter& waiter = waiters_[(direction & Read) != 0 ? 0 : 1];
    PLIMSOLL_ASSERT(waiter.directions == 0);
    waiter.resume = std::move(resume);
    waiter.directions = direction;
    waiter.deadline = deadline;
    keep_deadline(deadline);
    arm_for(direction);
}

void Stream::watch(std::move_only_function<void()> on_readable) {
    watch_ = std::move(on_readable);
    if (is_open()) {
        arm_for(Read);
    }
}

void Stream::arm_for(std::uint8_t directions) {
    if (tls_) [[unlikely]] {
        arm_tls(directions);
        return;
    }
    if ((directions & Read) != 0) {
        arm(Read);
    }
    if ((directions & Write) != 0) {
        arm(Write);
    }
}

void Stream::arm(Direction direction) {
    if ((armed_ & direction) != 0) {
        return;
    }
    armed_ = static_cast<std::uint8_t>(armed_ | direction);
    auto const kind = direction == Read ? socket_.wait_read : socket_.wait_write;
    socket_.async_wait(kind, Event(shared_from_this(), direction));
}

void Stream::on_event(Direction direction) {
    if (tls_) [[unlikely]] {
        on_tls_event(direction);
        return;
    }
    bool taken = false;
    for (Waiter& waiter : waiters_) {
        if ((waiter.directions & direction) != 0) {
            taken = true;
            fire(waiter, Ready::Yes);
        }
    }
    if (!taken && direction == Read && watch_) {
        auto callback = std::exchange(watch_, nullptr);
        callback();
    }
}

void Stream::abandon() {
    for (Waiter& waiter : waiters_) {
        waiter.directions = 0;
        auto const dropped = std::exchange(waiter.resume, {});
    }
}

void Stream::fire(Waiter& waiter, Ready ready) {
    waiter.directions = 0;
    waiter.deadline = kNever;
    auto resume = std::exchange(waiter.resume, {});
    resume(ready);
}

// The timer is only moved when it would fire too late; when it fires too early it looks again. A
// connection that is busy all the time thus touches the timer queue once per time-out, not once per
// wait.
void Stream::keep_deadline(TimePoint deadline) {
    if (deadline < timer_when_) {
        timer_when_ = deadline;
        timer_.arm(deadline, [this] { on_timer(); });
    }
}

void Stream::on_timer() {
    auto const self = shared_from_this();
    timer_when_ = kNever;
    TimePoint const now = loop_.now();
    for (Waiter& waiter : waiters_) {
        if (waiter.directions == 0) {
            continue;
        }
        if (waiter.deadline <= now) {
            fire(waiter, Ready::TimedOut);
        } else {
            keep_deadline(waiter.deadline);
        }
    }
}

void Stream::close() {
    if (!is_open()) {
        return;
    }
    fd_ = -1;
    watch_ = nullptr;
    timer_.cancel();
    timer_when_ = kNever;
    boost::system::error_code ignored;
    socket_.close(ignored);
    for (Waiter& waiter : waiters_) {
        if (waiter.directions != 0) {
            waiter.directions = 0;
            loop_.post([resume = std::exchange(waiter.resume, {})]() mutable {
                resume(Ready::Closed);
            });
        }
    }
}

void Stream::reset() {
    if (is_open()) {
        linger const at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }
}

void Stream::end() {
    if (is_open() && tls_) [[unlikely]] {
        tls_->send_close();
    }
    close();
}

void Stream::shutdown_send() {
    if (is_open() && tls_) [[unlikely]] {
        tls_->send_close();
    }
    if (is_open()) {
        ::shutdown(fd_, SHUT_WR);
    }
}

}  // namespace plimsoll::net
