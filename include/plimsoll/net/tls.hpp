#pragma once
// Transport security: what servers and clients show and trust, made from files and checked when it
// is made. TLS 1.2 and 1.3.
//
// A context never changes: new files make a new one, for connections from then on. Values and
// functions; any thread.

#include <plimsoll/base/result.hpp>

#include <memory>
#include <string>

namespace plimsoll::net {

class TlsContext;

// PEM files.
struct TlsServerFiles {
    std::string certificate;  // the server's own, then those between it and its root
    std::string key;          // of the first certificate, without a passphrase

    [[nodiscard]] bool is_set() const { return !certificate.empty() || !key.empty(); }

    bool operator==(TlsServerFiles const&) const = default;
};

struct TlsClientSettings {
    std::string ca_file{};             // PEM, trusted instead of the system's; empty: the system's
    bool verify = true;                // false: whoever answers is believed
    std::string certificate{}, key{};  // PEM files, shown to servers that ask for one; empty: none

    bool operator==(TlsClientSettings const&) const = default;
};

// Errors of both, Invalid: which file, what is wrong with it, and what to do.
Result<std::shared_ptr<TlsContext const>> make_server_tls(TlsServerFiles const& files);
Result<std::shared_ptr<TlsContext const>> make_client_tls(TlsClientSettings const& settings);

// Of a server's certificate, for logs.
struct CertificateFacts {
    std::string names;    // "plimsoll.example.org, 10.0.0.7"
    std::string expires;  // "2027-01-31"
    int days_left = 0;    // negative: it has expired
};

CertificateFacts certificate_facts(TlsContext const& context);

}  // namespace plimsoll::net
