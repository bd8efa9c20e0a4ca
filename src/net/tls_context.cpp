#include "net/tls_context.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <spdlog/fmt/fmt.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <string_view>
#include <utility>

namespace plimsoll::net {

namespace {

using X509Owner = std::unique_ptr<X509, OpensslFree<X509_free>>;
using KeyOwner = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using BioOwner = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;

// Forward secrecy and authenticated encryption only; what every client of the last ten years has.
constexpr char const* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr char const* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr char const* kGroups = "X25519:P-256:P-384";
constexpr std::string_view kProtocol = "\x08http/1.1";

// Clients that speak only another protocol get the alert for it (RFC 7301 3.2).
int choose_protocol(SSL*, unsigned char const** out, unsigned char* out_size, unsigned char const* in, unsigned in_size, void*) {
    auto const* const ours = reinterpret_cast<unsigned char const*>(kProtocol.data());
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, ours, kProtocol.size(), in, in_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

SslContext make_context(SSL_METHOD const* method) {
    SslContext context(SSL_CTX_new(method));
    if (!context) {
        throw std::bad_alloc();
    }
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context.get(), kCiphers12);
    SSL_CTX_set_ciphersuites(context.get(), kCiphers13);
    SSL_CTX_set1_groups_list(context.get(), kGroups);
    SSL_CTX_set_options(
        context.get(),
        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
            SSL_OP_PRIORITIZE_CHACHA
    );
    // A write that would block is repeated from the caller's pieces, which may have moved; an idle
    // connection holds no buffers; one system call reads as many records as have come.
    SSL_CTX_set_mode(
        context.get(),
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
            SSL_MODE_RELEASE_BUFFERS
    );
    SSL_CTX_set_read_ahead(context.get(), 1);
    // Sessions go on by tickets, which cost the server no memory.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 1);
    return context;
}

std::unexpected<Error> refuse(std::string text) {
    return fail(Errc::Invalid, std::move(text));
}

// A terminal must not be asked.
int no_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return 0;
}

// Why a file cannot be opened; empty: it can.
std::string unreadable(std::string const& file) {
    std::FILE* const opened = std::fopen(file.c_str(), "re");
    if (opened == nullptr) {
        return std::strerror(errno);
    }
    std::fclose(opened);
    return {};
}

Result<void> use_certificate(SSL_CTX* context, std::string const& file) {
    if (auto const why = unreadable(file); !why.empty()) {
        return refuse(fmt::format("the certificate {} cannot be read: {}", file, why));
    }
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, file.c_str()) != 1) {
        return refuse(fmt::format(
            "the certificate {} cannot be used: {}; it must be a PEM file with the server's "
            "certificate first",
            file,
            take_openssl_error()
        ));
    }
    return {};
}

Result<void> use_key(SSL_CTX* context, std::string const& file, std::string const& certificate) {
    if (auto const why = unreadable(file); !why.empty()) {
        return refuse(fmt::format("the key {} cannot be read: {}", file, why));
    }
    ERR_clear_error();
    BioOwner const bio(BIO_new_file(file.c_str(), "r"));
    bool is_protected = false;
    KeyOwner const key(
        bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, &is_protected) : nullptr
    );
    if (!key) {
        auto const why = take_openssl_error();
        return refuse(
            is_protected
                ? fmt::format(
                      "the key {0} is protected by a passphrase; write one without: openssl pkey "
                      "-in {0} -out NEW",
                      file
                  )
                : fmt::format("the key {} cannot be used: {}; it must be a PEM file", file, why)
        );
    }
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
        SSL_CTX_check_private_key(context) != 1) {
        return refuse(fmt::format(
            "the key {} does not belong to the certificate {} ({}); name the files of one pair",
            file,
            certificate,
            take_openssl_error()
        ));
    }
    return {};
}

Result<void> use_pair(SSL_CTX* context, std::string const& certificate, std::string const& key) {
    if (certificate.empty() || key.empty()) {
        return refuse(fmt::format(
            "a {0} without a {1}: set both tls_certificate and tls_key",
            certificate.empty() ? "key" : "certificate",
            certificate.empty() ? "certificate" : "key"
        ));
    }
    auto const used = use_certificate(context, certificate);
    return used ? use_key(context, key, certificate) : used;
}

CertificateFacts facts_of(X509 const* certificate) {
    CertificateFacts facts;
    if (certificate != nullptr) {
        auto const* const end = X509_get0_notAfter(certificate);
        int seconds = 0;
        facts.names = names_of(certificate);
        facts.expires = date_of(end);
        ASN1_TIME_diff(&facts.days_left, &seconds, nullptr, end);
        if (facts.days_left == 0 && seconds < 0) {
            facts.days_left = -1;
        }
    }
    return facts;
}

std::string name_of(GENERAL_NAME const* name) {
    if (name->type == GEN_DNS) {
        auto const* const text = name->d.dNSName;
        return {
            reinterpret_cast<char const*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))
        };
    }
    if (name->type == GEN_IPADD) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        auto const* const bytes = ASN1_STRING_get0_data(name->d.iPAddress);
        int const family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
        return ::inet_ntop(family, bytes, text.data(), text.size());
    }
    return {};
}

}  // namespace

std::string names_of(X509 const* certificate) {
    std::string out;
    auto* const names = static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)
    );
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        auto const name = name_of(sk_GENERAL_NAME_value(names, i));
        if (!name.empty()) {
            out += (out.empty() ? "" : ", ") + name;
        }
    }
    GENERAL_NAMES_free(names);
    if (out.empty()) {
        out = "no host";
    }
    return out;
}

std::string date_of(ASN1_TIME const* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return "an unknown day";
    }
    return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string take_openssl_error() {
    // The first entry is the cause; what was tried with it comes after.
    auto const code = ERR_peek_error();
    char const* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    std::string out = reason != nullptr        ? reason
                      : ERR_SYSTEM_ERROR(code) ? std::strerror(ERR_GET_REASON(code))
                                               : "no reason given";
    ERR_clear_error();
    return out;
}

Result<std::shared_ptr<TlsContext const>> make_server_tls(TlsServerFiles const& files) {
    auto context = make_context(TLS_server_method());
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
    auto const used = use_pair(context.get(), files.certificate, files.key);
    if (!used) {
        return fail(used.error());
    }
    auto facts = facts_of(SSL_CTX_get0_certificate(context.get()));
    return std::make_shared<TlsContext const>(std::move(context), std::move(facts));
}

Result<std::shared_ptr<TlsContext const>> make_client_tls(TlsClientSettings const& settings) {
    auto context = make_context(TLS_client_method());
    SSL_CTX_set_alpn_protos(
        context.get(), reinterpret_cast<unsigned char const*>(kProtocol.data()), kProtocol.size()
    );
    ERR_clear_error();
    if (settings.ca_file.empty()) {
        SSL_CTX_set_default_verify_paths(context.get());
    } else if (auto const why = unreadable(settings.ca_file); !why.empty()) {
        return refuse(fmt::format("the CA file {} cannot be read: {}", settings.ca_file, why));
    } else if (SSL_CTX_load_verify_locations(context.get(), settings.ca_file.c_str(), nullptr) !=
               1) {
        return refuse(fmt::format(
            "the CA file {} cannot be used: {}; it must be a PEM file with certificates",
            settings.ca_file,
            take_openssl_error()
        ));
    }
    SSL_CTX_set_verify(context.get(), settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (!settings.certificate.empty() || !settings.key.empty()) {
        auto const used = use_pair(context.get(), settings.certificate, settings.key);
        if (!used) {
            return fail(used.error());
        }
    }
    return std::make_shared<TlsContext const>(std::move(context), CertificateFacts{});
}

CertificateFacts certificate_facts(TlsContext const& context) {
    return context.facts();
}

}  // namespace plimsoll::net
