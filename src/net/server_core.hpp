#pragma once
// What the connections of one server share.

#include "net/http_date.hpp"
#include "net/listener.hpp"

#include <plimsoll/net/server.hpp>

#include <cstddef>
#include <list>
#include <memory>

namespace plimsoll::net {

class Connection;

class ServerCore : public std::enable_shared_from_this<ServerCore> {
  public:
    ServerCore(Loop& loop, ServerConfig config, Handler handler);

    Result<void> listen();
    void drain();
    void close();
    void reconfigure(ServerConfig config);

    [[nodiscard]] Loop& loop() { return loop_; }

    [[nodiscard]] Handler const& handler() const { return handler_; }

    [[nodiscard]] bool is_draining() const { return draining_; }

    [[nodiscard]] std::uint16_t port() const { return listener_ ? listener_->port() : 0; }

    [[nodiscard]] std::size_t connections() const { return connections_.size(); }

    [[nodiscard]] std::string_view date_line() { return date_.line(); }

    using Place = std::list<Connection*>::iterator;

    Place enter(Connection& connection) {
        return connections_.insert(connections_.end(), &connection);
    }

    void leave(Place place) { connections_.erase(place); }

  private:
    void on_accept(Accepted accepted);
    [[nodiscard]] bool is_full(int fd) const;
    void stop_listening();

    Loop& loop_;
    std::shared_ptr<ServerConfig const> config_;
    Handler handler_;
    std::shared_ptr<Listener> listener_;
    std::list<Connection*> connections_;
    DateField date_;
    int max_fd_ = 0;  // descriptors from here on are kept for upstreams and files
    bool draining_ = false;
};

}  // namespace plimsoll::net
