#pragma once
// Inside of a TlsContext, and OpenSSL's objects with owners.

#include <plimsoll/net/tls.hpp>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace plimsoll::net {

template <auto Free>
struct OpensslFree {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};

using SslContext = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using SslObject = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

class TlsContext {
  public:
    TlsContext(SslContext context, CertificateFacts facts)
        : context_(std::move(context)), facts_(std::move(facts)) {}

    [[nodiscard]] SSL_CTX* get() const { return context_.get(); }

    [[nodiscard]] CertificateFacts const& facts() const { return facts_; }

  private:
    SslContext context_;
    CertificateFacts facts_;
};

// The names that a certificate is for.
std::string names_of(X509 const* certificate);
// "2027-01-31"
std::string date_of(ASN1_TIME const* time);
// OpenSSL's words for what went wrong last on this thread; its queue is empty afterwards.
std::string take_openssl_error();

}  // namespace plimsoll::net
