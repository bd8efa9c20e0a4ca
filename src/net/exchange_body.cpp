// The request's side of an exchange: reading its body, and watching for a client that leaves once
// it is read.

#include "net/exchange.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::net {

namespace {

constexpr std::size_t kBodyRead = 64 * 1024;
// A client may send further requests while it waits; beyond this they stay in the kernel.
constexpr std::size_t kPipelined = 16 * 1024;

}  // namespace

void ServerExchange::begin() {
    body_ = BodyReader(head_.framing);
    continue_owed_ = head_.expects_continue;
    if (body_.is_done()) {
        on_body_end();
    }
}

void ServerExchange::begin_refusal() {
    close_after_ = true;
    body_ended_ = true;
}

Task<Result<void>> ServerExchange::read_body(Body& out, std::uint64_t limit) {
    if (body_ended_) {
        co_return Result<void>();
    }
    if (body_.kind() == http::Framing::Kind::Length && body_.remaining() > limit) {
        co_return fail(
            Errc::TooLarge,
            fmt::format(
                "the request body is {} bytes long; the limit is {} bytes", body_.remaining(), limit
            ),
            ErrorSource::Client
        );
    }
    auto const admitted = co_await admit_body();
    if (!admitted) {
        co_return admitted;
    }
    if (body_.kind() == http::Framing::Kind::Length) {
        co_return co_await read_length(out);
    }
    co_return co_await read_chunked(out, limit);
}

// Straight into the body's own memory, and not one byte beyond it.
Task<Result<void>> ServerExchange::read_length(Body& out) {
    out.reserve(out.size() + body_.remaining());
    while (true) {
        auto const piece = body_.take(connection_.input());
        if (!piece || piece->empty()) {
            break;
        }
        out.append(*piece);
    }
    if (!body_.is_done()) {
        connection_.input().release();
    }
    while (!body_.is_done()) {
        auto room = out.prepare(1);
        room = room.first(std::min<std::uint64_t>(room.size(), body_.remaining()));
        IoStep const step = connection_.stream().read(room);
        if (step.kind == IoStep::Kind::Moved) {
            out.commit(step.bytes);
            body_.skip(step.bytes);
            if (connection_.stream().wants_yield()) {
                co_await connection_.stream().yield();
            }
            continue;
        }
        if (step.kind != IoStep::Kind::WouldBlock) {
            co_return fail(body_lost(step));
        }
        auto const ready = co_await await_body_bytes();
        if (!ready) {
            co_return ready;
        }
    }
    on_body_end();
    co_return Result<void>();
}

Task<Result<void>> ServerExchange::read_chunked(Body& out, std::uint64_t limit) {
    while (true) {
        auto const piece = co_await read_body_some();
        if (!piece) {
            co_return fail(piece.error());
        }
        if (piece->empty()) {
            co_return Result<void>();
        }
        if (out.size() + piece->size() > limit) {
            co_return fail(
                Errc::TooLarge,
                fmt::format("the request body is longer than the limit of {} bytes", limit),
                ErrorSource::Client
            );
        }
        out.append(*piece);
    }
}

Task<Result<std::string_view>> ServerExchange::read_body_some() {
    if (body_ended_) {
        co_return std::string_view();
    }
    auto const admitted = co_await admit_body();
    if (!admitted) {
        co_return fail(admitted.error());
    }
    while (!body_.is_done()) {
        auto const piece = body_.take(connection_.input());
        if (!piece) {
            close_after_ = true;
            co_return fail(Error(Errc::BadRequest, piece.error().message, ErrorSource::Client));
        }
        if (!piece->empty()) {
            co_return *piece;
        }
        if (body_.is_done()) {
            break;
        }
        auto const filled = co_await fill_input();
        if (!filled) {
            co_return fail(filled.error());
        }
    }
    on_body_end();
    co_return std::string_view();
}

// A client that asked first is told to go on, unless its body is on its way already (RFC
// 9110 10.1.1).
Task<Result<void>> ServerExchange::admit_body() {
    if (!continue_owed_) {
        co_return check_open();
    }
    continue_owed_ = false;
    if (!connection_.input().empty()) {
        co_return check_open();
    }
    co_return co_await write_interim(100, {});
}

Task<Result<void>> ServerExchange::fill_input() {
    while (true) {
        if (connection_.stream().wants_yield()) {
            co_await connection_.stream().yield();
        }
        IoStep const step = connection_.stream().read(connection_.input().prepare(kBodyRead / 2));
        if (step.kind == IoStep::Kind::Moved) {
            connection_.input().commit(step.bytes);
            co_return Result<void>();
        }
        if (step.kind != IoStep::Kind::WouldBlock) {
            co_return fail(body_lost(step));
        }
        auto const ready = co_await await_body_bytes();
        if (!ready) {
            co_return ready;
        }
    }
}

Task<Result<void>> ServerExchange::await_body_bytes() {
    auto const limit = connection_.config().read_timeout;
    Ready const ready = co_await connection_.stream().wait(
        Stream::Read, deadline_after(connection_.loop().now(), limit)
    );
    if (ready == Ready::Yes) {
        co_return Result<void>();
    }
    if (ready == Ready::TimedOut) {
        close_after_ = true;
        body_stalled_ = true;
        canceller_.cancel();
        co_return fail(
            Errc::Timeout,
            fmt::format("the request body made no progress for {}", format_duration(limit)),
            ErrorSource::Client
        );
    }
    co_return fail(
        Errc::ConnectionClosed, "the connection was closed before the request body was complete"
    );
}

Error ServerExchange::body_lost(IoStep const& step) {
    Error error(
        Errc::ConnectionClosed,
        "the client closed the connection before its request body was complete",
        ErrorSource::Client
    );
    error.cause = step.failure;
    leave();
    return error;
}

void ServerExchange::on_body_end() {
    body_ended_ = true;
    watch_client();
}

void ServerExchange::watch_client() {
    connection_.stream().watch([this] { on_client_event(); });
}

// While the request is worked on, nothing but the end of the connection or a pipelined request can
// come. The latter is taken into the buffer, so that an end behind it is seen too; where the buffer
// is full, watching stops.
void ServerExchange::on_client_event() {
    Buffer& input = connection_.input();
    while (input.size() < kPipelined) {
        IoStep const step = connection_.stream().read(input.prepare(kPipelined / 4));
        if (step.kind == IoStep::Kind::WouldBlock) {
            watch_client();
            return;
        }
        if (step.kind != IoStep::Kind::Moved) {
            leave();
            return;
        }
        input.commit(step.bytes);
    }
}

// The client is gone. A half-closed connection counts: that is how Go's server, and with it Ollama,
// reads it.
void ServerExchange::leave() {
    connection_.stream().close();
    canceller_.cancel();
}

}  // namespace plimsoll::net
