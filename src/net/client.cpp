#include "net/client_call.hpp"

#include <plimsoll/net/client.hpp>

#include <spdlog/fmt/fmt.h>

#include <utility>

namespace plimsoll::net {

ClientResponse::ClientResponse() = default;
ClientResponse::~ClientResponse() = default;
ClientResponse::ClientResponse(ClientResponse&&) noexcept = default;
ClientResponse& ClientResponse::operator=(ClientResponse&&) noexcept = default;

ClientResponse::ClientResponse(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

http::ResponseHead const& ClientResponse::head() const {
    PLIMSOLL_ASSERT(impl_);
    return impl_->head;
}

Task<Result<std::string_view>> ClientResponse::read_some(Duration timeout, Canceller* canceller) {
    PLIMSOLL_ASSERT(impl_);
    return impl_->read_some(timeout, canceller);
}

Task<Result<std::string>> ClientResponse::read_all(
    std::size_t limit, Duration timeout, Canceller* canceller
) {
    std::string all;
    while (true) {
        auto const piece = co_await read_some(timeout, canceller);
        if (!piece) {
            co_return fail(piece.error());
        }
        if (piece->empty()) {
            co_return all;
        }
        if (all.size() + piece->size() > limit) {
            close();
            co_return fail(
                Errc::TooLarge,
                fmt::format("the answer is longer than the limit of {} bytes", limit),
                ErrorSource::Upstream
            );
        }
        all.append(*piece);
    }
}

bool ClientResponse::is_complete() const {
    return impl_ && impl_->complete;
}

void ClientResponse::close() {
    if (impl_) {
        impl_->close();
    }
}

struct Client::Impl {
    std::shared_ptr<ClientCore> core;
};

Client::Client(Loop& loop, ClientConfig config)
    : impl_(std::make_shared<Impl>(std::make_shared<ClientCore>(loop, std::move(config)))) {}

Client::~Client() {
    drop_idle();
}

Task<Result<ClientResponse>> Client::send(ClientRequest const& request, Canceller* canceller) {
    auto const core = impl_->core;
    if (canceller != nullptr && canceller->is_cancelled()) {
        co_return fail(Errc::Cancelled, "the request was cancelled");
    }
    auto pooled = core->pool.take();
    while (true) {
        bool const reused = pooled != nullptr;
        if (!reused) {
            auto connected = co_await core->connector.connect(canceller);
            if (!connected) {
                co_return fail(connected.error());
            }
            pooled = std::move(*connected);
        }
        auto call = std::make_unique<ClientResponse::Impl>(core, std::exchange(pooled, nullptr));
        auto const done = co_await call->run(request, canceller);
        if (done) {
            co_return ClientResponse(std::move(call));
        }
        // Only a connection that idled can have died without the request being seen; a fresh one
        // gets no second try.
        bool const stale =
            reused && done.error().code == Errc::ConnectionClosed && call->is_unanswered();
        if (!stale || !request.replayable || call->has_used_source()) {
            co_return fail(done.error());
        }
    }
}

ClientConfig const& Client::config() const {
    return impl_->core->config;
}

std::string Client::authority() const {
    return impl_->core->authority;
}

std::size_t Client::idle_connections() const {
    return impl_->core->pool.size();
}

void Client::drop_idle() {
    impl_->core->pool.clear();
}

}  // namespace plimsoll::net
