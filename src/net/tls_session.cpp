#include "net/tls_session.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace plimsoll::net {

namespace {

constexpr std::size_t kRecord = 16 * 1024;  // payload of one

int fd_of(BIO* bio) {
    return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL.
int send_bytes(BIO* bio, char const* data, int size) {
    BIO_clear_retry_flags(bio);
    ssize_t sent = 0;
    do {
        sent =
            ::send(fd_of(bio), data, static_cast<std::size_t>(size), MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        BIO_set_retry_write(bio);
    }
    return static_cast<int>(sent);
}

int receive_bytes(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    ssize_t got = 0;
    do {
        got = ::recv(fd_of(bio), data, static_cast<std::size_t>(size), MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        BIO_set_retry_read(bio);
    }
    return static_cast<int>(got);
}

long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

BIO_METHOD const* socket_method() {
    static BIO_METHOD const* const method = [] {
        auto* const made =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "non-blocking socket");
        BIO_meth_set_write(made, send_bytes);
        BIO_meth_set_read(made, receive_bytes);
        BIO_meth_set_ctrl(made, control);
        return made;
    }();
    return method;
}

bool is_address(std::string const& host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

IoStep failed(std::error_code code) {
    return {.kind = IoStep::Kind::Failed, .bytes = 0, .failure = code};
}

}  // namespace

TlsSession::TlsSession(std::shared_ptr<TlsContext const> context, int fd)
    : context_(std::move(context)), ssl_(SSL_new(context_->get())) {
    BIO* const bio = BIO_new(socket_method());
    if (!ssl_ || bio == nullptr) {
        BIO_free(bio);
        throw std::bad_alloc();
    }
    BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
}

std::unique_ptr<TlsSession> TlsSession::serve(std::shared_ptr<TlsContext const> context, int fd) {
    std::unique_ptr<TlsSession> out(new TlsSession(std::move(context), fd));
    SSL_set_accept_state(out->ssl_.get());
    return out;
}

std::unique_ptr<TlsSession> TlsSession::connect(
    std::shared_ptr<TlsContext const> context, int fd, std::string const& host
) {
    std::unique_ptr<TlsSession> out(new TlsSession(std::move(context), fd));
    SSL* const ssl = out->ssl_.get();
    SSL_set_connect_state(ssl);
    out->is_client_ = true;
    out->host_ = host;
    if (is_address(host)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    } else {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, host.c_str());
        SSL_set_tlsext_host_name(ssl, host.c_str());
    }
    SSL_set_verify(ssl, SSL_get_verify_mode(ssl), on_verify);
    return out;
}

TlsSession::Step TlsSession::handshake() {
    ERR_clear_error();
    errno = 0;
    int const result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
        established_ = true;
        return Step::Done;
    }
    int const error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ) {
        return Step::WantsRead;
    }
    if (error == SSL_ERROR_WANT_WRITE) {
        return Step::WantsWrite;
    }
    broken_ = true;
    note_failure(error);
    return Step::Failed;
}

void TlsSession::note_failure(int error) {
    int const system = errno;
    if (!failure_.empty()) {  // the certificate was rejected, which says more
        ERR_clear_error();
        return;
    }
    auto const code = ERR_peek_error();
    int const reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    if (error == SSL_ERROR_SYSCALL && code == 0) {
        failure_ = system != 0 ? std::strerror(system)
                               : "the connection was closed in the middle of the TLS handshake";
    } else if (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST) {
        plain_http_ = true;
        failure_ = "the client speaks HTTP without TLS";
    } else if (is_client_ &&
               (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG)) {
        failure_ = "it does not speak TLS there; write http:// or name its port for https";
    } else if (is_client_ && (reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
                              reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE)) {
        failure_ = fmt::format(
            "it refused the TLS handshake ({}); it may want a certificate of ours: set "
            "tls_certificate and tls_key",
            take_openssl_error()
        );
    } else {
        failure_ = take_openssl_error();
    }
    ERR_clear_error();
}

int TlsSession::on_verify(int is_right, X509_STORE_CTX* store) {
    if (is_right == 0) {
        auto* const ssl = static_cast<SSL*>(
            X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
        );
        auto* const session = static_cast<TlsSession*>(SSL_get_app_data(ssl));
        if ((SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) == 0) {
            return 1;  // whoever answers is believed
        }
        session->note_rejection(store);
    }
    return is_right;
}

void TlsSession::note_rejection(X509_STORE_CTX* store) {
    X509 const* const certificate = X509_STORE_CTX_get_current_cert(store);
    int const why = X509_STORE_CTX_get_error(store);
    switch (why) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            failure_ = fmt::format(
                "its certificate expired on {}; renew it there",
                date_of(X509_get0_notAfter(certificate))
            );
            break;
        case X509_V_ERR_CERT_NOT_YET_VALID:
            failure_ = fmt::format(
                "its certificate is valid from {} on; check the clocks of both machines",
                date_of(X509_get0_notBefore(certificate))
            );
            break;
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            failure_ = fmt::format(
                "its certificate is for {}, not for {}; use a name of the certificate in the url, "
                "or have the certificate name this one",
                names_of(certificate),
                host_
            );
            break;
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:  // another CA of the same name
            failure_ = fmt::format(
                "its certificate comes from no CA that is trusted here ({}); name the file of its "
                "CA (tls_ca_file; PLIMSOLL_CA_FILE for commands)",
                X509_verify_cert_error_string(why)
            );
            break;
        default:
            failure_ =
                fmt::format("its certificate is refused: {}", X509_verify_cert_error_string(why));
    }
}

IoStep TlsSession::step_of(int result, std::size_t bytes, bool& wants_other, int other) {
    wants_other = false;
    if (result == 1) {
        return {.kind = IoStep::Kind::Moved, .bytes = bytes, .failure = {}};
    }
    int const system = errno;
    int const error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        wants_other = error == other;
        return {};
    }
    if (error == SSL_ERROR_ZERO_RETURN) {
        return {.kind = IoStep::Kind::End, .bytes = 0, .failure = {}};
    }
    // Without the peer's word an end is a failure: the answer may have been cut.
    broken_ = true;
    ERR_clear_error();
    return failed(
        error == SSL_ERROR_SYSCALL && system != 0
            ? std::error_code(system, std::system_category())
            : std::make_error_code(std::errc::connection_reset)
    );
}

IoStep TlsSession::read(std::span<char> into) {
    if (broken_) {
        return failed(std::make_error_code(std::errc::connection_reset));
    }
    ERR_clear_error();
    errno = 0;
    std::size_t bytes = 0;
    int const result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
    return step_of(result, bytes, read_wants_write_, SSL_ERROR_WANT_WRITE);
}

// Small pieces go into one record: a head, a chunk's frame and its payload are one message to the
// client, and each record costs it a decryption of its own.
IoStep TlsSession::write(std::span<iovec const> pieces) {
    while (!pieces.empty() && pieces.front().iov_len == 0) {
        pieces = pieces.subspan(1);
    }
    if (pieces.empty()) {
        return {.kind = IoStep::Kind::End, .bytes = 0, .failure = {}};
    }
    if (broken_) {
        return failed(std::make_error_code(std::errc::broken_pipe));
    }
    thread_local std::array<char, kRecord> record;
    void const* data = pieces.front().iov_base;
    std::size_t size = std::min(pieces.front().iov_len, kRecord);
    if (size < kRecord && pieces.size() > 1) {
        size = 0;
        for (auto const& piece : pieces) {
            auto const part = std::min(piece.iov_len, kRecord - size);
            std::copy_n(static_cast<char const*>(piece.iov_base), part, record.data() + size);
            size += part;
        }
        data = record.data();
    }
    ERR_clear_error();
    errno = 0;
    std::size_t bytes = 0;
    int const result = SSL_write_ex(ssl_.get(), data, size, &bytes);
    return step_of(result, bytes, write_wants_read_, SSL_ERROR_WANT_READ);
}

Peek TlsSession::peek() {
    if (broken_) {
        return Peek::Gone;
    }
    ERR_clear_error();
    errno = 0;
    char byte = 0;
    std::size_t bytes = 0;
    int const result = SSL_peek_ex(ssl_.get(), &byte, 1, &bytes);
    auto const step = step_of(result, bytes, read_wants_write_, SSL_ERROR_WANT_WRITE);
    return step.kind == IoStep::Kind::Moved        ? Peek::Data
           : step.kind == IoStep::Kind::WouldBlock ? Peek::Nothing
                                                   : Peek::Gone;
}

void TlsSession::send_close() {
    if (established_ && !broken_) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }
}

}  // namespace plimsoll::net
