#pragma once
// One connection, TCP or Unix, plain or with TLS: reads and writes that never block, and waiting
// until they make sense, with deadlines.
//
// System calls are made directly and first; only what would block waits for readiness. A wait for
// readability stays armed in the reactor after whoever wanted it has gone, because the next phase
// of the connection wants it anyway: watching for a departed client, idling and reading the next
// request cost one registration together.

#include "net/io_step.hpp"
#include "net/suspend.hpp"

#include <plimsoll/base/time.hpp>
#include <plimsoll/net/loop.hpp>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

namespace plimsoll::net {

inline constexpr TimePoint kNever = TimePoint::max();

// kNever for a limit of zero or of centuries.
TimePoint deadline_after(TimePoint now, Duration limit);

enum class Ready : std::uint8_t { Yes, TimedOut, Closed };

class TlsSession;

class Stream : public std::enable_shared_from_this<Stream> {
  public:
    enum Direction : std::uint8_t { Read = 1, Write = 2, Either = 3 };

    // Takes over a non-blocking socket.
    Stream(Loop& loop, int fd, bool is_v6);
    ~Stream();
    Stream(Stream const&) = delete;
    Stream& operator=(Stream const&) = delete;

    // What is read and written from now on goes through TLS. Before the first byte.
    void use_tls(std::unique_ptr<TlsSession> session);

    [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }

    // Errors: Timeout, Cancelled (closed meanwhile), UpstreamProtocol with what the peer did wrong.
    Task<Result<void>> handshake(TimePoint deadline);
    // After a failed handshake with a client that speaks HTTP: true, and the stream is plain again,
    // so that it can be told.
    bool falls_back_to_plain();

    IoStep read(std::span<char> into);
    // At most 16 pieces. Moved may mean a part of them. What would have blocked is written again
    // with the same bytes.
    IoStep write(std::span<iovec> pieces);
    [[nodiscard]] Peek peek() const;

    // Returns when a read (write, either) is worth trying, the deadline is over, or close() was
    // called. One waiter for Read or Either and one for Write at a time.
    auto wait(Direction direction, TimePoint deadline) {
        return suspend<Ready>([this, direction, deadline](Resume<Ready> resume) {
            start_wait(direction, deadline, std::move(resume));
        });
    }

    // Calls back once when the stream becomes readable, ends or breaks while nobody waits to read.
    void watch(std::move_only_function<void()> on_readable);

    void unwatch() { watch_ = nullptr; }

    // Waiters return Closed, by way of the loop. To a peer with TLS this is a truncation.
    void close();
    // A good end: says so where TLS has words for it, then closes.
    void end();
    // Closes so that the peer sees a reset: the end must not pass for a good one.
    void reset();
    void shutdown_send();

    [[nodiscard]] bool is_open() const { return fd_ >= 0; }

    [[nodiscard]] int fd() const { return fd_; }

    [[nodiscard]] Loop& loop() const { return loop_; }

    // True after much was moved without a pause: the caller lets others run by awaiting yield().
    [[nodiscard]] bool wants_yield() const { return moved_ >= kTurn; }

    auto yield() {
        return suspend<>([this](Resume<> resume) {
            moved_ = 0;
            loop_.post(std::move(resume));
        });
    }

  private:
    struct Waiter {
        Resume<Ready> resume;
        TimePoint deadline = kNever;
        std::uint8_t directions = 0;
    };

    class Event;

    static constexpr std::size_t kTurn = 512 * 1024;

    void start_wait(Direction direction, TimePoint deadline, Resume<Ready> resume);
    void arm(Direction direction);
    void arm_for(std::uint8_t directions);
    void arm_tls(std::uint8_t directions);
    void on_tls_event(Direction direction);
    void post_read_event();
    void on_event(Direction direction);
    void abandon();
    void on_timer();
    void keep_deadline(TimePoint deadline);
    static void fire(Waiter& waiter, Ready ready);

    Loop& loop_;
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor> socket_;
    std::unique_ptr<TlsSession> tls_;  // null: plain
    std::array<Waiter, 2> waiters_;
    std::move_only_function<void()> watch_;
    Timer timer_;
    TimePoint timer_when_ = kNever;
    std::size_t moved_ = 0;
    int fd_ = -1;
    std::uint8_t armed_ = 0;
    bool read_event_posted_ = false;
};

}  // namespace plimsoll::net
