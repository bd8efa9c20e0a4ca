#include "proxy/heartbeat.hpp"

#include "proxy/stream_form.hpp"

namespace plimsoll::proxy {
namespace {

// A client that is gone needs no care here: its canceller ends the wait.
net::Task<void> beat(Call& call, engine::Waiting now) {
    if (call.is_begun) {
        auto const text = sign_of_life(call.route.dialect, now.position, call.waited + now.waited);
        auto const written = co_await call.exchange.write(text);
        static_cast<void>(written);
        co_return;
    }
    call.is_begun = true;
    call.status = 200;
    http::Fields fields;
    fields.add("Content-Type", stream_type(call.route.dialect));
    add_own_fields(call, fields);
    auto const position = call.position == 0 ? now.came_as : call.position;
    fields.set("X-Plimsoll-Queue", queue_value(position, call.waited + now.waited));
    auto const started =
        co_await call.exchange.start(200, {}, fields, {http::Framing::Kind::Chunked, 0}, true);
    static_cast<void>(started);
}

}  // namespace

void beat_while_waiting(
    Call& call, Inference const& request, Duration interval, engine::AcquireRequest& out
) {
    if (interval > Duration{} && request.is_stream && is_known_stream(call.route.operation)) {
        out.wait_interval = interval;
        out.on_wait = [&call](engine::Waiting const& now) { return beat(call, now); };
    }
}

}  // namespace plimsoll::proxy
