#pragma once
// The life of one client connection: idle, a head, an exchange, and again. Its coroutine owns it.
// While it idles, no buffer and no request state is held.

#include "net/buffer.hpp"
#include "net/server_core.hpp"
#include "net/stream.hpp"

#include <plimsoll/net/server.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace plimsoll::net {

class ServerExchange;

class Connection {
  public:
    // `refused`: the server is full; the first request is answered with 503.
    Connection(
        std::shared_ptr<ServerCore> core,
        std::shared_ptr<ServerConfig const> config,
        std::shared_ptr<Stream> stream,
        std::string peer,
        bool refused
    );
    ~Connection();
    Connection(Connection const&) = delete;
    Connection& operator=(Connection const&) = delete;

    static Task<void> serve(std::unique_ptr<Connection> self);

    void close_if_idle();
    void end_now();

    [[nodiscard]] ServerCore& core() { return *core_; }

    [[nodiscard]] ServerConfig const& config() const { return *config_; }

    [[nodiscard]] Stream& stream() { return *stream_; }

    [[nodiscard]] Buffer& input() { return input_; }

    [[nodiscard]] std::string const& peer() const { return peer_; }

    [[nodiscard]] Loop& loop() { return core_->loop(); }

  private:
    enum class Next : std::uint8_t { Again, Close, Linger };
    enum class HeadEnd : std::uint8_t { Done, Refused, Gone, TimedOut };

    Task<bool> agree_on_tls();
    Task<bool> await_bytes();
    Task<Next> serve_one();
    Task<HeadEnd> read_head(http::RequestHead& head, http::Refusal& refusal);
    Task<void> run_handler(ServerExchange& exchange);
    Task<void> refuse(http::Refusal refusal);
    Task<void> linger();

    std::shared_ptr<ServerCore> core_;
    std::shared_ptr<ServerConfig const> config_;
    std::shared_ptr<Stream> stream_;
    Buffer input_;
    std::string peer_;
    ServerCore::Place place_;
    ServerExchange* exchange_ = nullptr;
    bool idle_ = true;
    bool first_ = true;
    bool refused_;
};

}  // namespace plimsoll::net
