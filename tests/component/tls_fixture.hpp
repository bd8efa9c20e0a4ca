#pragma once
// Certificates made for a test, and a TLS peer whose bytes on the wire the test decides.

#include <plimsoll/net/tls.hpp>

#include "component/net_fixture.hpp"
#include <openssl/ssl.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace plimsoll::test {

// A folder of its own, with certificates in it; gone at the end.
class Certificates {
  public:
    Certificates();
    ~Certificates();
    Certificates(Certificates const&) = delete;
    Certificates& operator=(Certificates const&) = delete;

    // Signed by the CA of this folder: files NAME.crt and NAME.key. `host`: a DNS name or an IPv4
    // address. `from`, `to`: days from now.
    void make(std::string const& name, std::string const& host, int from = -1, int to = 30);

    [[nodiscard]] std::string path(std::string const& file) const { return folder_ / file; }

    [[nodiscard]] std::string ca() const { return path("ca.crt"); }

    [[nodiscard]] net::TlsServerFiles files(std::string const& name) const {
        return {.certificate = path(name + ".crt"), .key = path(name + ".key")};
    }

    // Both must work.
    [[nodiscard]] std::shared_ptr<net::TlsContext const> server(std::string const& name) const;
    [[nodiscard]] std::shared_ptr<net::TlsContext const> client() const;

  private:
    struct Authority;
    std::filesystem::path folder_;
    std::unique_ptr<Authority> authority_;
};

struct PeerOptions {
    bool is_server = false;
    std::string certificate{}, key{};  // of a server
    std::string ca{};                  // of a client; empty: it checks nothing
    std::string host{};                // that a client asks for
    std::string protocols{};           // ALPN, as on the wire
    int max_version = 0;               // 0: the newest
};

// One end of a connection with TLS in memory, never blocking: poll() moves what there is to move.
class TlsPeer {
  public:
    TlsPeer(int fd, PeerOptions const& options);
    ~TlsPeer();
    TlsPeer(TlsPeer const&) = delete;
    TlsPeer& operator=(TlsPeer const&) = delete;

    static std::unique_ptr<TlsPeer> connect(std::uint16_t port, PeerOptions const& options = {});

    void poll();
    [[nodiscard]] bool is_established();

    [[nodiscard]] std::string const& error() const { return error_; }  // of the handshake

    [[nodiscard]] std::string protocol() const;  // agreed by ALPN
    [[nodiscard]] std::string version() const;
    [[nodiscard]] std::string certificate_name() const;  // common name of the other side's

    void send(std::string_view bytes);
    // Encrypted, but kept: take_wire() has it, and send_wire() sends what it is given.
    void encrypt(std::string_view bytes);
    std::string take_wire();
    void send_wire(std::string_view bytes);
    void send_close_notify();

    [[nodiscard]] std::string const& text();
    [[nodiscard]] bool has(std::string_view part);
    std::string take();
    [[nodiscard]] bool has_ended();         // by FIN or reset
    [[nodiscard]] bool got_close_notify();  // before that

    void close();
    void reset();

  private:
    void flush();

    Raw raw_;
    SSL_CTX* context_;
    SSL* ssl_;
    BIO* in_;
    BIO* out_;
    std::string text_, error_, held_;
    bool established_ = false;
    bool close_notify_ = false;
};

}  // namespace plimsoll::test
