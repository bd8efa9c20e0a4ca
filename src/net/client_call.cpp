#include "net/client_call.hpp"

#include "net/loop_impl.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <utility>

namespace plimsoll::net {

namespace {

constexpr unsigned kMaxInterims = 20;
constexpr std::size_t kHeadRead = 8 * 1024;
constexpr std::size_t kBodyRead = 16 * 1024;
constexpr std::size_t kLargeRead = 64 * 1024;

}  // namespace

ClientCore::ClientCore(Loop& event_loop, ClientConfig client_config)
    : loop(event_loop),
      config(std::move(client_config)),
      connector(loop, config),
      authority(connector.authority()),
      host_field(connector.host_field()),
      pool(loop, config.max_idle, config.idle_limit) {
    auto& hooks = loop.impl().quiet_hooks;
    quiet_hook = hooks.insert(hooks.end(), [this] { pool.clear(); });
}

ClientCore::~ClientCore() {
    loop.impl().quiet_hooks.erase(quiet_hook);
}

ClientResponse::Impl::Impl(
    std::shared_ptr<ClientCore> client_core, std::shared_ptr<Stream> connection
)
    : core_(std::move(client_core)), stream_(std::move(connection)) {}

ClientResponse::Impl::~Impl() {
    close();
}

void ClientResponse::Impl::close() {
    if (stream_) {
        stream_->close();
        stream_.reset();
    }
}

// What waits on the connection returns by way of the loop and finds it closed.
void ClientResponse::Impl::break_off() {
    if (stream_) {
        stream_->close();
    }
}

Error ClientResponse::Impl::failure(Errc code, std::string_view what) {
    close();
    return {code, fmt::format("{}: {}", core_->authority, what), ErrorSource::Upstream};
}

Error ClientResponse::Impl::after_wait(Ready ready, Duration limit, std::string_view what) {
    if (ready == Ready::TimedOut) {
        return failure(Errc::Timeout, fmt::format("{} (waited {})", what, format_duration(limit)));
    }
    close();
    return {Errc::Cancelled, "the request was cancelled"};
}

Task<Result<void>> ClientResponse::Impl::run(ClientRequest const& request, Canceller* canceller) {
    canceller_ = canceller;
    Canceller::Registration registration;
    if (canceller != nullptr) {
        registration = Canceller::Registration(*canceller, [this] { break_off(); });
    }
    auto const sent = co_await send_all(request);
    if (!sent) {
        close();
        co_return sent;
    }
    auto const headed = co_await read_head(request);
    if (!headed) {
        bool const cancelled = canceller != nullptr && canceller->is_cancelled();
        close();
        if (cancelled) {
            co_return fail(Errc::Cancelled, "the request was cancelled");
        }
        co_return headed;
    }
    body_ = BodyReader(head.framing);
    if (body_.is_done()) {
        on_body_end();
    }
    co_return Result<void>();
}

// Adds what a read brought; anything but bytes or "not yet" is an error.
Result<void> ClientResponse::Impl::fill(IoStep const& step) {
    if (step.kind == IoStep::Kind::Moved) {
        answered_ = true;
        input_.commit(step.bytes);
        return {};
    }
    if (step.kind == IoStep::Kind::WouldBlock) {
        return {};
    }
    Error error(
        Errc::ConnectionClosed,
        fmt::format(
            "{}: the connection ended {}",
            core_->authority,
            answered_ ? "before the answer was complete" : "without an answer"
        ),
        ErrorSource::Upstream
    );
    error.cause = step.failure;
    return fail(std::move(error));
}

Task<Result<void>> ClientResponse::Impl::read_head(ClientRequest const& request) {
    TimePoint const deadline = deadline_after(core_->loop.now(), request.head_timeout);
    // Right after sending, nothing can be there yet: a first read would be wasted.
    bool wait_first = sent_;
    while (!has_head_) {
        IoStep step;
        if (!wait_first) {
            step = stream_->read(input_.prepare(kHeadRead));
        }
        if (step.kind == IoStep::Kind::WouldBlock) {
            wait_first = false;
            Ready const ready = co_await stream_->wait(Stream::Read, deadline);
            if (ready != Ready::Yes) {
                co_return fail(after_wait(ready, request.head_timeout, "no answer"));
            }
            continue;
        }
        auto const filled = fill(step);
        if (!filled) {
            co_return filled;
        }
        auto const parsed = co_await parse_heads(request);
        if (!parsed) {
            co_return parsed;
        }
    }
    co_return Result<void>();
}

Task<Result<void>> ClientResponse::Impl::parse_heads(ClientRequest const& request) {
    while (!has_head_ && !input_.empty()) {
        http::ResponseHead parsed;
        auto const progress =
            http::parse_response_head(input_.view(), core_->config.head, request.method, parsed);
        if (progress.kind == http::ParseProgress::Kind::NeedMore) {
            break;
        }
        if (progress.kind == http::ParseProgress::Kind::Refused) {
            co_return fail(failure(
                Errc::UpstreamProtocol,
                "the answer is not valid HTTP: " + printable(progress.refusal.message)
            ));
        }
        input_.consume(progress.consumed);
        if (parsed.status >= 200) {
            head = std::move(parsed);
            has_head_ = true;
            break;
        }
        // We never ask for another protocol, so 101 cannot be an answer.
        if (parsed.status == 101 || ++interims_ > kMaxInterims) {
            auto const why =
                parsed.status == 101 ? "it switches protocols unasked" : "too many interim answers";
            co_return fail(failure(Errc::UpstreamProtocol, why));
        }
        if (request.on_interim) {
            auto const passed = co_await request.on_interim(parsed.status, parsed.fields);
            if (!passed) {
                co_return passed;
            }
        }
    }
    co_return Result<void>();
}

Task<Result<std::string_view>> ClientResponse::Impl::read_some(
    Duration timeout, Canceller* canceller
) {
    if (canceller != nullptr && canceller->is_cancelled()) {
        close();
        co_return fail(Errc::Cancelled, "the request was cancelled");
    }
    Canceller::Registration registration;
    while (!complete) {
        if (!stream_ || !stream_->is_open()) {
            co_return fail(failure(Errc::ConnectionClosed, "the connection is closed"));
        }
        auto const piece = body_.take(input_);
        if (!piece) {
            co_return fail(failure(
                Errc::UpstreamProtocol, "broken chunked coding: " + printable(piece.error().message)
            ));
        }
        if (body_.is_done()) {
            on_body_end();
        }
        if (!piece->empty() || complete) {
            co_return *piece;
        }
        if (stream_->wants_yield()) {
            co_await stream_->yield();
        }
        auto const room = input_.prepare(large_ ? kLargeRead : kBodyRead);
        IoStep const step = stream_->is_open() ? stream_->read(room) : IoStep{};
        large_ = large_ || step.bytes == room.size();
        if (step.kind == IoStep::Kind::End && body_.kind() == http::Framing::Kind::UntilClose) {
            complete = true;
            close();
            break;
        }
        if (step.kind != IoStep::Kind::WouldBlock) {
            auto const filled = fill(step);
            if (!filled) {
                close();
                co_return fail(filled.error());
            }
            continue;
        }
        if (canceller != nullptr) {
            registration = Canceller::Registration(*canceller, [this] { break_off(); });
        }
        Ready const ready =
            co_await stream_->wait(Stream::Read, deadline_after(core_->loop.now(), timeout));
        registration.reset();
        if (ready != Ready::Yes) {
            co_return fail(after_wait(ready, timeout, "the answer makes no progress"));
        }
    }
    co_return std::string_view();
}

// The connection serves again only if both sides are exactly at the end of their messages. The
// buffer stays: the last piece was handed out as a view of it.
void ClientResponse::Impl::on_body_end() {
    complete = true;
    bool const reusable = sent_ && head.keep_alive && input_.empty() && stream_->is_open() &&
                          body_.kind() != http::Framing::Kind::UntilClose;
    if (reusable) {
        core_->pool.put(std::exchange(stream_, nullptr));
    } else {
        close();
    }
}

}  // namespace plimsoll::net
