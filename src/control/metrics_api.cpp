// GET /metrics: Prometheus' text format.

#include "control/impl.hpp"

namespace plimsoll::control {

net::Task<void> Control::Impl::metrics(net::Exchange& exchange) {
    if (context.metrics == nullptr) {
        co_await respond_error(exchange, Error(Errc::NotFound, "nothing is counted here"));
        co_return;
    }
    http::Reply reply;
    reply.status = 200;
    reply.fields.add("Content-Type", plimsoll::metrics::Registry::kContentType);
    reply.fields.add("Cache-Control", "no-store");
    reply.body = context.metrics->read();
    auto const sent = co_await exchange.respond(std::move(reply));
    static_cast<void>(sent);
}

}  // namespace plimsoll::control
