#pragma once
// TLS on one non-blocking socket: handshake, records, the end. Tells like a plain socket what a try
// came to; waiting is Stream's.

#include "net/io_step.hpp"
#include "net/tls_context.hpp"

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace plimsoll::net {

class TlsSession {
  public:
    enum class Step : std::uint8_t { Done, WantsRead, WantsWrite, Failed };

    // The socket stays the caller's, and open for as long as the session is used.
    static std::unique_ptr<TlsSession> serve(std::shared_ptr<TlsContext const> context, int fd);
    // `host`: name or address that the server must prove to be.
    static std::unique_ptr<TlsSession> connect(
        std::shared_ptr<TlsContext const> context, int fd, std::string const& host
    );

    TlsSession(TlsSession const&) = delete;
    TlsSession& operator=(TlsSession const&) = delete;

    Step handshake();

    [[nodiscard]] bool is_established() const { return established_; }

    // After Failed: what happened and what to do, as the end of a sentence.
    [[nodiscard]] std::string const& failure() const { return failure_; }

    // The client spoke HTTP without TLS.
    [[nodiscard]] bool met_plain_http() const { return plain_http_; }

    IoStep read(std::span<char> into);
    // A try that would block is repeated with the same bytes.
    IoStep write(std::span<iovec const> pieces);
    Peek peek();

    // Bytes lie in the session that the socket will not tell of.
    [[nodiscard]] bool has_buffered() const { return SSL_has_pending(ssl_.get()) == 1; }

    // The last try waits for the other direction than its own.
    [[nodiscard]] bool read_wants_write() const { return read_wants_write_; }

    [[nodiscard]] bool write_wants_read() const { return write_wants_read_; }

    // Says that nothing more will come; without it an end is a truncation to the peer.
    void send_close();

  private:
    TlsSession(std::shared_ptr<TlsContext const> context, int fd);

    static int on_verify(int is_right, X509_STORE_CTX* store);
    void note_rejection(X509_STORE_CTX* store);
    void note_failure(int error);
    IoStep step_of(int result, std::size_t bytes, bool& wants_other, int other);

    std::shared_ptr<TlsContext const> context_;
    SslObject ssl_;
    std::string host_;
    std::string failure_;
    bool is_client_ = false;
    bool established_ = false;
    bool broken_ = false;  // OpenSSL must not be used any more
    bool plain_http_ = false;
    bool read_wants_write_ = false;
    bool write_wants_read_ = false;
};

}  // namespace plimsoll::net
