#pragma once
// Listener and server side of HTTP/1.1: connections, limits, per-phase time-outs, one Exchange per
// request. Heads come through the strict gate of http. Loop thread only.

#include <plimsoll/http/head.hpp>
#include <plimsoll/http/reply.hpp>
#include <plimsoll/net/body.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace plimsoll::net {

class TlsContext;

struct ServerConfig {
    // IPv4 or IPv6 literal, a name that resolves to one, or "unix:/path": a socket file of mode
    // 0660 that is removed at the end; one that nobody listens at is replaced.
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: any free one; Server::port() tells
    // A listening descriptor of whoever started us (socket activation); the server owns it. Address
    // and port then only name it, and its file stays.
    std::optional<int> inherited;
    std::shared_ptr<TlsContext const> tls;  // null: plain; Unix sockets are always plain
    http::HeadLimits head;
    Duration head_timeout = std::chrono::seconds(30);   // from the first byte of a head to its last
    Duration idle_timeout = std::chrono::minutes(5);    // kept-alive connection without a request
    Duration read_timeout = std::chrono::seconds(60);   // a body that makes no progress
    Duration write_timeout = std::chrono::seconds(60);  // a client that reads nothing
    std::size_t max_connections = 8192;                 // beyond: 503 and close
    // Which errors of the gate are answered in which shape is the application's: it gets status and
    // sentence. Default: text/plain.
    std::function<http::Reply(http::Refusal const&)> refuse;
};

// The path of "unix:/path"; nullopt: another kind of address.
std::optional<std::string_view> unix_path(std::string_view address);

// One request and its answer. Valid while the handler runs.
class Exchange {
  public:
    virtual ~Exchange() = default;

    [[nodiscard]] virtual http::RequestHead const& head() const = 0;
    [[nodiscard]] virtual std::string const& peer() const = 0;  // address without port, or "unix"
    [[nodiscard]] virtual bool is_secure() const = 0;           // came by TLS
    [[nodiscard]] virtual Loop& loop() = 0;

    // Fires when the client has left (FIN or reset, half-close included), stopped reading or
    // writing for too long, or the server is told to end at once. Watching begins when the request
    // body has been read.
    [[nodiscard]] virtual Canceller& canceller() = 0;

    // Whole body; answers an Expect: 100-continue first. Errors: TooLarge (more than `limit` bytes
    // are announced or come), BadRequest (chunked coding), Timeout, ConnectionClosed.
    virtual Task<Result<void>> read_body(Body& out, std::uint64_t limit) = 0;
    // The next piece of the body, empty at its end: for what is passed through. The view holds
    // until the next call.
    virtual Task<Result<std::string_view>> read_body_some() = 0;

    // A whole answer in one write. HEAD requests get the head alone. May follow start() as long as
    // nothing was sent (has_started() is false) and then replaces it.
    virtual Task<Result<void>> respond(http::Reply reply) = 0;

    // A streamed answer: start, then write as often as there is something (one call, one flush),
    // then finish. `framing` Length: exactly that many bytes must follow. Chunked becomes
    // close-delimited for HTTP/1.0 clients. The head goes out with the first write() unless
    // flush_head is set.
    virtual Task<Result<void>> start(
        unsigned status,
        std::string_view reason,
        http::Fields const& fields,
        http::Framing framing,
        bool flush_head
    ) = 0;
    virtual Task<Result<void>> write(std::string_view bytes) = 0;
    virtual Task<Result<void>> finish() = 0;
    // An interim answer (100, 103); ignored for HTTP/1.0.
    virtual Task<Result<void>> write_interim(unsigned status, http::Fields const& fields) = 0;
    // Raw bytes past all framing; the connection closes afterwards. For the simulator's faults.
    virtual Task<Result<void>> write_raw(std::string_view bytes) = 0;

    // Closes without ending the message, so that the client sees the truncation.
    virtual void abort() = 0;
    // After this answer the connection is closed.
    virtual void close_after() = 0;
    [[nodiscard]] virtual bool has_started() const = 0;  // the head of the answer is out
    [[nodiscard]] virtual std::uint64_t bytes_written() const = 0;
};

using Handler = std::function<Task<void>(Exchange&)>;

class Server {
  public:
    Server(Loop& loop, ServerConfig config, Handler handler);
    ~Server();
    Server(Server const&) = delete;
    Server& operator=(Server const&) = delete;

    // Binds and starts accepting. Errors: Io with address, port and the system's words ("address
    // already in use").
    Result<void> listen();
    [[nodiscard]] std::uint16_t port() const;  // 0: not listening, or a Unix socket
    [[nodiscard]] std::size_t connections() const;

    // Stops accepting and closes idle connections; running exchanges go on and close afterwards.
    void drain();
    // Ends every connection now.
    void close();
    // New limits, time-outs and TLS for connections accepted from now on; address and port stay.
    void reconfigure(ServerConfig config);

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace plimsoll::net
