#include "net/connection.hpp"
#include "net/loop_impl.hpp"
#include "net/server_core.hpp"
#include "net/tls_session.hpp"

#include <plimsoll/log/log.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace plimsoll::net {

namespace {

constexpr log::Logger kLog("net");

// Connections beyond the limit that may wait for their 503 at the same time; more are closed
// without a word.
constexpr std::size_t kRefusalsAtOnce = 64;

int usable_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return 1 << 20;
    }
    rlim_t const kept = std::min<rlim_t>(128, limit.rlim_cur / 4);
    return static_cast<int>(std::min<rlim_t>(limit.rlim_cur - kept, 1 << 20));
}

ServerConfig with_defaults(ServerConfig config) {
    if (!config.refuse) {
        config.refuse = [](http::Refusal const& refusal) {
            return http::text_reply(refusal.status, refusal.message + "\n");
        };
    }
    return config;
}

}  // namespace

std::optional<std::string_view> unix_path(std::string_view address) {
    constexpr std::string_view kPrefix = "unix:";
    if (!address.starts_with(kPrefix)) {
        return std::nullopt;
    }
    return address.substr(kPrefix.size());
}

ServerCore::ServerCore(Loop& loop, ServerConfig config, Handler handler)
    : loop_(loop),
      config_(std::make_shared<ServerConfig const>(with_defaults(std::move(config)))),
      handler_(std::move(handler)) {}

Result<void> ServerCore::listen() {
    PLIMSOLL_ASSERT(!listener_);
    auto listener = std::make_shared<Listener>(loop_, [this](Accepted accepted) {
        on_accept(std::move(accepted));
    });
    auto const listening = listener->listen(*config_);
    if (!listening) {
        return listening;
    }
    listener_ = std::move(listener);
    max_fd_ = usable_descriptors();
    loop_.impl().hold();
    loop_.impl().update_driver();
    return {};
}

void ServerCore::stop_listening() {
    if (listener_ && listener_->is_open()) {
        listener_->close();
        loop_.impl().release();
    }
}

// The lowest free number is always taken, so the number of a new descriptor tells how many are in
// use.
bool ServerCore::is_full(int fd) const {
    return connections_.size() >= config_->max_connections || fd >= max_fd_;
}

void ServerCore::on_accept(Accepted accepted) {
    bool const full = is_full(accepted.fd);
    if (full && connections_.size() >= config_->max_connections + kRefusalsAtOnce) {
        ::close(accepted.fd);
        return;
    }
    if (full) {
        kLog.debug(
            "connection refused",
            {{"peer", accepted.peer}, {"connections", std::uint64_t{connections_.size()}}}
        );
    }
    auto stream = std::make_shared<Stream>(loop_, accepted.fd, accepted.is_v6);
    if (config_->tls && !unix_path(config_->address)) {
        stream->use_tls(TlsSession::serve(config_->tls, accepted.fd));
    }
    auto connection = std::make_unique<Connection>(
        shared_from_this(), config_, std::move(stream), std::move(accepted.peer), full
    );
    loop_.spawn("connection", Connection::serve(std::move(connection)));
}

void ServerCore::drain() {
    draining_ = true;
    stop_listening();
    for (Connection* const connection : connections_) {
        connection->close_if_idle();
    }
}

void ServerCore::close() {
    draining_ = true;
    stop_listening();
    // A connection leaves the list when its coroutine ends, which is never inside of end_now().
    for (Connection* const connection : connections_) {
        connection->end_now();
    }
}

void ServerCore::reconfigure(ServerConfig config) {
    config.address = config_->address;
    config.port = config_->port;
    config.inherited = config_->inherited;
    config_ = std::make_shared<ServerConfig const>(with_defaults(std::move(config)));
}

struct Server::Impl {
    std::shared_ptr<ServerCore> core;
};

Server::Server(Loop& loop, ServerConfig config, Handler handler)
    : impl_(std::make_shared<Impl>(
          std::make_shared<ServerCore>(loop, std::move(config), std::move(handler))
      )) {}

Server::~Server() {
    impl_->core->close();
}

Result<void> Server::listen() {
    return impl_->core->listen();
}

std::uint16_t Server::port() const {
    return impl_->core->port();
}

std::size_t Server::connections() const {
    return impl_->core->connections();
}

void Server::drain() {
    impl_->core->drain();
}

void Server::close() {
    impl_->core->close();
}

void Server::reconfigure(ServerConfig config) {
    impl_->core->reconfigure(std::move(config));
}

}  // namespace plimsoll::net
