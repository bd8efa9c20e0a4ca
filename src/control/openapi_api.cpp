// The description of this interface.

#include "control/impl.hpp"
#include "control/openapi.hpp"

#include <string>

namespace plimsoll::control {

net::Task<void> Control::Impl::openapi(net::Exchange& exchange) {
    http::Reply reply{200, {}, std::string(openapi_files().front().bytes)};
    reply.fields.add("Content-Type", "application/yaml");
    reply.fields.add("Cache-Control", "no-cache");
    auto const sent = co_await exchange.respond(std::move(reply));
    static_cast<void>(sent);
}

}  // namespace plimsoll::control
