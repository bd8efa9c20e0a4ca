// Inference requests: read, checked as the upstream would check them, scheduled, and (leased.cpp)
// relayed.

#include "proxy/inference.hpp"

#include "proxy/adjust.hpp"
#include "proxy/capability_check.hpp"
#include "proxy/decode_check.hpp"
#include "proxy/heartbeat.hpp"
#include "proxy/hints.hpp"
#include "proxy/impl.hpp"
#include "proxy/model_error.hpp"
#include "proxy/wish_answer.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/multipart.hpp>
#include <plimsoll/net/wall_clock.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::proxy {
namespace {

using http::Operation;

bool is_zstd(http::RequestHead const& head) {
    auto const coding = head.fields.get("Content-Encoding");
    return coding && iequals(*coding, "zstd");
}

// Everything that can be said without knowing the model.
std::optional<ClientError> examine(
    Call const& call, Inference& request, engine::EngineConfig const& config
) {
    auto members = http::find_members(request.body.view(), go_type_of(call.route.operation));
    if (!members) {
        return decode_error(call.route, members.error());
    }
    request.members = std::move(*members);
    if (call.route.carries_options) {
        // First: a keep_alive that does not parse stops the upstream's decoder, before any other
        // member's type counts.
        auto keep_alive = read_keep_alive(request.members, config);
        if (!keep_alive) {
            return std::move(keep_alive.error());
        }
        request.keep_alive = std::move(*keep_alive);
    }
    if (auto wrong = check_member_types(call.route, request.members, request.body.view())) {
        return wrong;
    }
    auto const& stream = request.members.stream;
    bool const is_given = stream && stream->value.kind == http::RawValue::Kind::Bool;
    request.is_stream = is_given ? stream->value.text == "true" : call.route.streams_by_default;
    if (request.members.model) {
        request.model = request.members.model->value.text;
    }
    return std::nullopt;
}

std::optional<ClientError> examine_form(Call& call, Inference& request) {
    request.is_json = false;
    call.sends_query = false;
    auto const type = call.exchange.head().fields.get("Content-Type").value_or("");
    auto model = http::form_field(type, request.body.view(), "model");
    if (!model && model.error().code != Errc::NotFound) {
        return ClientError{400, model.error().message, true};
    }
    if (model) {
        request.model = std::move(*model);
    }
    return std::nullopt;
}

engine::AcquireRequest acquire_request(Call const& call, Inference const& request) {
    engine::AcquireRequest out;
    out.model = request.model;
    out.client = call.client();
    out.request_id = call.id;
    out.is_native = call.route.carries_options;
    out.num_ctx = request.options.num_ctx;
    out.num_batch = request.options.num_batch;
    out.options = request.options.options;
    out.keep_alive = request.keep_alive.value;
    out.body = Bytes(request.body.size());
    out.deadline = patience_of(call.exchange.head().fields);
    out.priority = call.pass.priority(priority_of(call.exchange.head().fields));
    return out;
}

std::string now_text() {
    return net::rfc3339(net::wall_now());
}

// A request may wait more than once; its place is that of the first time.
void note_wait(Call& call, Duration waited, std::size_t position) {
    call.waited += waited;
    if (call.position == 0) {
        call.position = position;
    }
}

unsigned status_of_refusal(engine::Refused const& refusal) {
    switch (refusal.kind) {
        case core::RefuseKind::DoesNotFit:
        case core::RefuseKind::OutOfMemory:
            return 507;
        case core::RefuseKind::QueueFull:
        case core::RefuseKind::Barred:
        case core::RefuseKind::Stuck:
            return 503;
        case core::RefuseKind::Deadline:
            return 504;
        case core::RefuseKind::LoadFailed:
            return 500;  // as the upstream answers a load that failed
        case core::RefuseKind::NotFound:
            return 404;
        case core::RefuseKind::Unloaded:
            return 409;
        case core::RefuseKind::UpstreamDown:
            break;
    }
    return http::status_of(refusal.error.code);
}

}  // namespace

net::Task<bool> Proxy::Impl::read_request(Call& call, Inference& request) {
    auto const read = co_await request.body.read(call.exchange, config.max_body);
    if (!read) {
        co_await answer_failure(call, read.error());
        co_return false;
    }
    call.received = request.body.size();
    if (call.route.takes_zstd && is_zstd(call.exchange.head())) {
        auto const decoded = request.body.decode(config.max_decoded);
        if (!decoded) {
            co_await answer_failure(call, decoded.error());
            co_return false;
        }
    }
    bool const is_form = call.route.operation == Operation::OpenAiAudio;
    auto wrong =
        is_form ? examine_form(call, request) : examine(call, request, first(call).config());
    if (wrong) {
        co_await answer_error(call, *wrong);
        co_return false;
    }
    call.model = request.model;
    auto name = check_model_name(call.route.operation, request.model);
    if (!name) {
        co_await answer_error(call, name.error());
        co_return false;
    }
    request.name = std::move(*name);
    auto const is_allowed = co_await may_use_model(call, request.model);
    co_return is_allowed;
}

net::Task<void> Proxy::Impl::inference(Call& call) {
    Inference request(bodies);
    auto const is_read = co_await read_request(call, request);
    if (!is_read) {
        co_return;
    }
    if (!is_virtual(call, request.model)) {
        co_await schedule(call, request);
        co_return;
    }
    auto const wish = wish_of(call.route.operation, request.members, request.keep_alive.is_zero);
    if (wish != Wish::None && request.is_json) {  // there is nothing to load or to unload
        co_await answer(
            call,
            http::json_reply(
                200, wish_answer(call.route.operation, wish, request.model, now_text())
            )
        );
        co_return;
    }
    co_await answer_virtually(call, request.model, request.body.view());
}

net::Task<void> Proxy::Impl::schedule(Call& call, Inference& request) {
    if (request.name->is_cloud()) {
        co_await pass(
            call, first(call), stream_times(first(call).provider().config()), &request.body
        );
        co_return;
    }
    auto found = co_await find(call, *request.name, request.model);
    if (!found) {
        if (found.error().code == Errc::NotFound) {
            co_await answer_error(call, unknown_model(call.route.operation, request.model));
        } else {
            co_await answer_upstream_failure(
                call, found.error(), first(call).provider().config().name
            );
        }
        co_return;
    }
    request.engine = found->engine;
    request.info = std::move(found->info);
    if (request.info && request.info->is_remote) {
        if (request.name->is_local()) {  // ":local" asks for weights that are here
            co_await answer_error(call, unknown_model(call.route.operation, request.model));
            co_return;
        }
        co_await pass(
            call, *request.engine, stream_times(request.engine->provider().config()), &request.body
        );
        co_return;
    }
    // Unloading is looked at before capabilities and options, so that any model can be unloaded in
    // any way.
    auto const wish = wish_of(call.route.operation, request.members, request.keep_alive.is_zero);
    if (wish == Wish::Unload) {
        co_await unload_wish(call, request);
        co_return;
    }
    if (request.info && request.is_json) {
        if (auto wrong = check_capabilities(
                call.route, request.members, request.body.view(), *request.info, request.model
            )) {
            co_await answer_error(call, *wrong);
            co_return;
        }
    }
    if (call.route.carries_options) {
        auto options = read_options(request.members, request.engine->config().cut_options);
        if (!options) {
            co_await answer_error(call, options.error());
            co_return;
        }
        request.options = std::move(*options);
    }
    co_await run(call, request);
}

net::Task<void> Proxy::Impl::unload_wish(Call& call, Inference& request) {
    // Under the override policy clients have no say; the answer is the upstream's all the same,
    // where an unload is never more than a wish.
    if (request.keep_alive.value) {
        auto const wished = co_await request.engine->wish(acquire_request(call, request));
        if (!wished) {
            if (wished.error().code == Errc::NotFound) {
                co_await answer_error(call, unknown_model(call.route.operation, request.model));
            } else {
                co_await answer_upstream_failure(
                    call, wished.error(), request.engine->provider().config().name
                );
            }
            co_return;
        }
    }
    call.adjusted = request.keep_alive.adjusted;
    co_await answer(
        call,
        http::json_reply(
            200, wish_answer(call.route.operation, Wish::Unload, request.model, now_text())
        )
    );
}

net::Task<void> Proxy::Impl::run(Call& call, Inference& request) {
    auto const wish =
        request.is_json ? wish_of(call.route.operation, request.members, request.keep_alive.is_zero)
                        : Wish::None;
    auto const max_retries = request.engine->provider().config().max_retries;
    for (unsigned attempt = 0;; ++attempt) {
        auto wanted = acquire_request(call, request);
        if (wish == Wish::None) {  // a preload's answer is one object
            beat_while_waiting(call, request, config.queue_heartbeat, wanted);
        }
        auto lease = co_await request.engine->acquire(std::move(wanted), call.exchange.canceller());
        if (!lease) {
            note_wait(call, lease.error().waited, lease.error().position);
            co_await refused(call, request, lease.error());
            co_return;
        }
        note_wait(call, lease->waited, lease->position);
        if (wish == Wish::Load) {
            auto const edited =
                adjust(request.members, request.options, lease->form, lease->settings);
            call.adjusted = name_all(edited, request.keep_alive.adjusted);
            lease->end(core::TicketOutcome::Done);
            co_await answer(
                call,
                http::json_reply(
                    200, wish_answer(call.route.operation, wish, request.model, now_text())
                )
            );
            co_return;
        }
        auto const again = co_await relay_leased(call, request, *lease, attempt < max_retries);
        if (!again) {
            co_return;
        }
    }
}

net::Task<void> Proxy::Impl::refused(
    Call& call, Inference const& request, engine::Refused const& refusal
) {
    if (refusal.error.code == Errc::Cancelled) {
        call.exchange.abort();
        co_return;
    }
    if (refusal.kind == core::RefuseKind::NotFound || refusal.error.code == Errc::NotFound) {
        co_await answer_error(call, unknown_model(call.route.operation, request.model));
        co_return;
    }
    auto retry_after = refusal.retry_after;
    auto const status = status_of_refusal(refusal);
    if (!retry_after && status == 503) {
        retry_after = std::chrono::seconds(5);
    }
    co_await answer_error(call, status, refusal.error.message, retry_after);
}

}  // namespace plimsoll::proxy
