// What the proxy answers itself: our own paths, and the list of loaded models.

#include "proxy/impl.hpp"
#include "proxy/rows.hpp"
#include "proxy/tagged_exchange.hpp"

#include <boost/json.hpp>

namespace plimsoll::proxy {

net::Task<void> Proxy::Impl::own_path(Call& call) {
    TaggedExchange tagged(call);
    bool handled = false;
    if (own.handle) {
        handled = co_await own.handle(tagged);
    }
    if (!handled) {
        co_await answer(call, http::text_reply(404, "404 page not found"));
    }
}

// GET /api/ps: the upstream's rows with our expiry times, because its own are the 24 h that we
// preload with.
net::Task<void> Proxy::Impl::loaded_models(Call& call) {
    if (engines.size() == 1 && !call.pass.is_limited()) {
        auto rows = co_await engines.front()->ps_answer();
        if (!rows) {
            co_await answer_upstream_failure(
                call, rows.error(), engines.front()->provider().config().name
            );
            co_return;
        }
        co_await answer(call, http::json_reply(200, std::move(*rows)));
        co_return;
    }
    boost::json::array all;
    for (auto* engine : engines) {
        auto rows = co_await engine->ps_answer();
        if (!rows) {
            continue;  // one upstream that is down does not hide the others
        }
        boost::system::error_code broken;
        auto const parsed = boost::json::parse(*rows, broken);
        auto const* list =
            !broken && parsed.is_object() ? parsed.as_object().if_contains("models") : nullptr;
        if (list != nullptr && list->is_array()) {
            for (auto const& row : list->as_array()) {
                if (call.pass.may_use(model_of_row(row))) {
                    all.push_back(row);
                }
            }
        }
    }
    co_await answer(
        call, http::json_reply(200, boost::json::serialize(boost::json::object{{"models", all}}))
    );
}

}  // namespace plimsoll::proxy
