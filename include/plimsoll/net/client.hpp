#pragma once
// Client side of HTTP/1.1 to one server: a keep-alive pool, requests by parts, answers piece by
// piece. Loop thread only.

#include <plimsoll/http/head.hpp>
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

struct ClientConfig {
    std::string host = "127.0.0.1";
    std::uint16_t port = 11434;
    std::string unix_path{};                  // a Unix socket instead of host and port
    std::shared_ptr<TlsContext const> tls{};  // null: plain; the server must be `host`
    Duration connect_timeout = std::chrono::seconds(2);
    Duration idle_limit = std::chrono::seconds(60);  // a pooled connection is dropped after this
    std::size_t max_idle = 64;
    http::HeadLimits head{.max_head = 64 * 1024, .max_target = 8192, .max_fields = 200};
    std::string authorization;  // value of that field of every request; empty: not added
};

// Pieces of a request body, for uploads that are passed through. An empty piece ends it.
using BodySource = std::function<Task<Result<std::string_view>>()>;

struct ClientRequest {
    http::Method method = http::Method::Get;
    std::string target;   // encoded path and query
    http::Fields fields;  // end-to-end fields; Host and framing are added
    std::span<std::string_view const>
        pieces;             // the body, sent with Content-Length; must outlive the call
    bool has_body = false;  // true with no pieces: Content-Length: 0
    // Instead of pieces: streamed with `source_framing` (Length or Chunked). An early answer stops
    // the upload at the next piece, or at once while the server takes no more.
    BodySource source;
    http::Framing source_framing;
    bool replayable =
        true;  // may be sent again on a fresh connection if a reused one turns out dead
    // From the last byte sent to the answer's head; while sending, without progress. Zero: none.
    Duration head_timeout = std::chrono::seconds(30);
    std::function<Task<Result<void>>(unsigned, http::Fields const&)>
        on_interim;  // 1xx answers; may be empty
};

// An answer being read. Dropping it before its end closes the connection; reading it to the end
// gives it back.
class ClientResponse {
  public:
    ClientResponse();
    ~ClientResponse();
    ClientResponse(ClientResponse&&) noexcept;
    ClientResponse& operator=(ClientResponse&&) noexcept;

    [[nodiscard]] http::ResponseHead const& head() const;
    // The next piece as it came (one read of the socket, or one piece of a chunk run), empty at the
    // end. Never waits to fill a buffer. The view holds until the next call. Errors: Timeout
    // (nothing for `timeout`), Cancelled, ConnectionClosed (truncated), UpstreamProtocol.
    Task<Result<std::string_view>> read_some(Duration timeout, Canceller* canceller);
    // All of the body, at most `limit` bytes (TooLarge).
    Task<Result<std::string>> read_all(std::size_t limit, Duration timeout, Canceller* canceller);
    [[nodiscard]] bool is_complete() const;
    void close();

    struct Impl;
    explicit ClientResponse(std::unique_ptr<Impl> impl);

  private:
    std::unique_ptr<Impl> impl_;
};

class Client {
  public:
    Client(Loop& loop, ClientConfig config);
    ~Client();
    Client(Client const&) = delete;
    Client& operator=(Client const&) = delete;

    // Sends and reads up to the answer's head. Errors: UpstreamUnavailable (no connection, or, with
    // std::errc::protocol_error as its cause, no TLS: nothing was sent), Timeout, Cancelled (the
    // connection is closed at once), ConnectionClosed (after bytes were sent), UpstreamProtocol. A
    // reused connection that died before any byte came back is replaced by a fresh one once, if the
    // request is replayable; a failed connect is the caller's to retry.
    Task<Result<ClientResponse>> send(ClientRequest const& request, Canceller* canceller);

    [[nodiscard]] ClientConfig const& config() const;
    [[nodiscard]] std::string authority() const;  // "127.0.0.1:11434", "unix:/path"
    [[nodiscard]] std::size_t idle_connections() const;
    // Drops idle connections (the upstream restarted, or we end).
    void drop_idle();

  private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace plimsoll::net
