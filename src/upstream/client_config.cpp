#include <plimsoll/log/log.hpp>
#include <plimsoll/upstream/client_config.hpp>

#include <utility>

namespace plimsoll::upstream {
namespace {

constexpr log::Logger kLog("upstream");

}  // namespace

Result<net::ClientConfig> make_client_config(
    Url const& url, net::TlsClientSettings const& tls, std::string_view whom
) {
    net::ClientConfig out;
    out.host = url.host;
    out.port = url.port;
    if (!url.is_tls) {
        return out;
    }
    auto context = net::make_client_tls(tls);
    if (!context) {
        return fail(std::move(context).error());
    }
    if (!tls.verify) {
        kLog.warning(
            "Its certificate is not checked (tls_verify = false): whoever answers there is "
            "believed",
            {{"server", whom}, {"host", url.host}}
        );
    }
    out.tls = std::move(*context);
    return out;
}

}  // namespace plimsoll::upstream
