#pragma once
// From a URL and its TLS settings to what net's client takes. Any thread.

#include <plimsoll/net/client.hpp>
#include <plimsoll/net/tls.hpp>
#include <plimsoll/upstream/provider.hpp>

namespace plimsoll::upstream {

// `whom` is named in the warning that a certificate will not be checked. Error Invalid: a file of
// the TLS settings, and what is wrong with it.
Result<net::ClientConfig> make_client_config(
    Url const& url, net::TlsClientSettings const& tls, std::string_view whom
);

}  // namespace plimsoll::upstream
