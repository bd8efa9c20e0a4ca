#include "component/tls_fixture.hpp"

#include "support/catch.hpp"

#include <plimsoll/net/tls.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace plimsoll::test {

namespace {

void write_certificate(std::string const& file, X509* certificate) {
    std::FILE* const out = std::fopen(file.c_str(), "w");
    REQUIRE(out != nullptr);
    PEM_write_X509(out, certificate);
    std::fclose(out);
}

void write_key(std::string const& file, EVP_PKEY* key) {
    std::FILE* const out = std::fopen(file.c_str(), "w");
    REQUIRE(out != nullptr);
    PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(out);
}

void add_extension(X509* certificate, int nid, std::string const& value) {
    X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
    X509_add_ext(certificate, made, -1);
    X509_EXTENSION_free(made);
}

X509* make_certificate(std::string const& name, EVP_PKEY* key, int from, int to) {
    static long serial = 0;
    X509* const made = X509_new();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), from * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(made), to * 86400L);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(made),
        "CN",
        MBSTRING_ASC,
        reinterpret_cast<unsigned char const*>(name.c_str()),
        -1,
        -1,
        0
    );
    return made;
}

}  // namespace

struct Certificates::Authority {
    Authority() : key(EVP_EC_gen("P-256")), certificate(make_certificate("test CA", key, -1, 365)) {
        X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
        X509_sign(certificate, key, EVP_sha256());
    }

    ~Authority() {
        X509_free(certificate);
        EVP_PKEY_free(key);
    }

    Authority(Authority const&) = delete;
    Authority& operator=(Authority const&) = delete;

    EVP_PKEY* key;
    X509* certificate;
};

Certificates::Certificates() : authority_(std::make_unique<Authority>()) {
    std::string name = (std::filesystem::temp_directory_path() / "plimsoll-tls-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    write_certificate(ca(), authority_->certificate);
}

Certificates::~Certificates() {
    std::filesystem::remove_all(folder_);
}

void Certificates::make(std::string const& name, std::string const& host, int from, int to) {
    EVP_PKEY* const key = EVP_EC_gen("P-256");
    X509* const made = make_certificate(name, key, from, to);
    X509_set_issuer_name(made, X509_get_subject_name(authority_->certificate));
    in_addr ignored{};
    bool const is_ip = ::inet_pton(AF_INET, host.c_str(), &ignored) == 1;
    add_extension(made, NID_subject_alt_name, (is_ip ? "IP:" : "DNS:") + host);
    X509_sign(made, authority_->key, EVP_sha256());
    write_certificate(path(name + ".crt"), made);
    write_key(path(name + ".key"), key);
    X509_free(made);
    EVP_PKEY_free(key);
}

std::shared_ptr<net::TlsContext const> Certificates::server(std::string const& name) const {
    auto made = net::make_server_tls(files(name));
    if (!made) {
        FAIL(made.error().message);
    }
    return *made;
}

std::shared_ptr<net::TlsContext const> Certificates::client() const {
    auto made = net::make_client_tls({.ca_file = ca()});
    if (!made) {
        FAIL(made.error().message);
    }
    return *made;
}

TlsPeer::TlsPeer(int fd, PeerOptions const& options)
    : raw_(fd),
      context_(SSL_CTX_new(options.is_server ? TLS_server_method() : TLS_client_method())),
      ssl_(nullptr),
      in_(BIO_new(BIO_s_mem())),
      out_(BIO_new(BIO_s_mem())) {
    if (options.is_server) {
        REQUIRE(SSL_CTX_use_certificate_chain_file(context_, options.certificate.c_str()) == 1);
        REQUIRE(SSL_CTX_use_PrivateKey_file(context_, options.key.c_str(), SSL_FILETYPE_PEM) == 1);
    }
    if (!options.ca.empty()) {
        REQUIRE(SSL_CTX_load_verify_locations(context_, options.ca.c_str(), nullptr) == 1);
        SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    }
    if (options.max_version != 0) {
        SSL_CTX_set_security_level(context_, 0);
        SSL_CTX_set_max_proto_version(context_, options.max_version);
        SSL_CTX_set_min_proto_version(context_, 0);
        SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
    }
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, in_, out_);
    if (options.is_server) {
        SSL_set_accept_state(ssl_);
    } else {
        SSL_set_connect_state(ssl_);
        if (!options.host.empty()) {
            SSL_set_tlsext_host_name(ssl_, options.host.c_str());
            SSL_set1_host(ssl_, options.host.c_str());
        }
        SSL_set_alpn_protos(
            ssl_,
            reinterpret_cast<unsigned char const*>(options.protocols.data()),
            static_cast<unsigned>(options.protocols.size())
        );
    }
}

TlsPeer::~TlsPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
}

std::unique_ptr<TlsPeer> TlsPeer::connect(std::uint16_t port, PeerOptions const& options) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return std::make_unique<TlsPeer>(fd, options);
}

void TlsPeer::poll() {
    auto const wire = raw_.take();
    if (!wire.empty()) {
        BIO_write(in_, wire.data(), static_cast<int>(wire.size()));
    }
    ERR_clear_error();
    if (!established_ && error_.empty()) {
        int const result = SSL_do_handshake(ssl_);
        established_ = result == 1;
        int const why = SSL_get_error(ssl_, result);
        if (!established_ && why != SSL_ERROR_WANT_READ) {
            auto const* const reason = ERR_reason_error_string(ERR_peek_error());
            error_ = reason == nullptr ? "failed" : reason;
        }
    }
    if (established_) {
        std::array<char, 16384> buffer;
        int got = 0;
        while ((got = SSL_read(ssl_, buffer.data(), buffer.size())) > 0) {
            text_.append(buffer.data(), static_cast<std::size_t>(got));
        }
        close_notify_ = SSL_get_error(ssl_, got) == SSL_ERROR_ZERO_RETURN;
    }
    flush();
}

std::string TlsPeer::take_wire() {
    std::string wire = std::exchange(held_, {});
    std::array<char, 16384> buffer;
    int got = 0;
    while ((got = BIO_read(out_, buffer.data(), buffer.size())) > 0) {
        wire.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return wire;
}

// What the socket does not take now goes with a later poll().
void TlsPeer::flush() {
    auto wire = take_wire();
    auto const sent = raw_.send(wire);
    held_ = wire.substr(sent);
}

void TlsPeer::send_wire(std::string_view bytes) {
    raw_.send(bytes);
}

bool TlsPeer::is_established() {
    poll();
    return established_;
}

std::string TlsPeer::protocol() const {
    unsigned char const* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<char const*>(name), size};
}

std::string TlsPeer::version() const {
    return SSL_get_version(ssl_);
}

std::string TlsPeer::certificate_name() const {
    std::array<char, 256> name{};
    X509* const certificate = SSL_get0_peer_certificate(ssl_);
    if (certificate != nullptr) {
        X509_NAME_get_text_by_NID(
            X509_get_subject_name(certificate), NID_commonName, name.data(), name.size()
        );
    }
    return name.data();
}

void TlsPeer::encrypt(std::string_view bytes) {
    if (!bytes.empty()) {
        REQUIRE(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0);
    }
}

void TlsPeer::send(std::string_view bytes) {
    encrypt(bytes);
    flush();
}

void TlsPeer::send_close_notify() {
    SSL_shutdown(ssl_);
    flush();
}

std::string const& TlsPeer::text() {
    poll();
    return text_;
}

bool TlsPeer::has(std::string_view part) {
    return text().find(part) != std::string::npos;
}

std::string TlsPeer::take() {
    poll();
    return std::exchange(text_, {});
}

bool TlsPeer::has_ended() {
    poll();
    bool const ended = raw_.has_ended();
    poll();  // what came before the end
    return ended;
}

bool TlsPeer::got_close_notify() {
    poll();
    return close_notify_;
}

void TlsPeer::close() {
    raw_.close();
}

void TlsPeer::reset() {
    raw_.reset();
}

}  // namespace plimsoll::test
