// A POST on a path that we do not know: new routes appear with every release of the upstream, and
// one that names a model may load it. So it takes a lease like any other, unless the upstream does
// not know the path either.

#include "proxy/impl.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/multipart.hpp>

namespace plimsoll::proxy {
namespace {

constexpr Duration kAbsentFor = std::chrono::seconds(10);
constexpr std::size_t kMaxAbsent = 256;

// The model that a body names, if it is one that names a model.
std::string named_model(Call& call, Inference& request) {
    auto const type = call.exchange.head().fields.get("Content-Type").value_or("");
    if (istarts_with(type, "multipart/form-data")) {
        request.is_json = false;
        call.sends_query = false;
        auto field = http::form_field(type, request.body.view(), "model");
        return field ? std::move(*field) : std::string();
    }
    auto members = http::find_members(request.body.view());
    if (!members || !members->model || members->model->value.kind != http::RawValue::Kind::String) {
        return {};
    }
    request.members = std::move(*members);
    return request.members.model->value.text;
}

}  // namespace

net::Task<void> Proxy::Impl::unknown_post(Call& call) {
    auto& engine = first(call);
    auto const times = stream_times(engine.provider().config());
    auto const& head = call.exchange.head();
    bool const is_empty =
        head.framing.kind != http::Framing::Kind::Chunked && head.framing.length == 0;
    if (is_empty || head.framing.kind == http::Framing::Kind::None) {
        co_await pass(call, engine, times, nullptr);
        co_return;
    }
    Inference request(bodies);
    auto const read = co_await request.body.read(call.exchange, config.max_body);
    if (!read) {
        co_await answer_failure(call, read.error());
        co_return;
    }
    call.received = request.body.size();
    if (auto const coding = head.fields.get("Content-Encoding");
        coding && iequals(*coding, "zstd")) {
        // Undecodable bytes name no model; they go on as they came.
        auto const decoded = request.body.decode(config.max_decoded);
        static_cast<void>(decoded);
    }
    request.model = named_model(call, request);
    auto name = ModelName::parse(request.model);
    call.model = request.model;
    bool is_scheduled = name.has_value() && !name->is_cloud();
    if (is_scheduled) {
        auto const lacks = co_await upstream_lacks(call, engine);
        is_scheduled = !lacks;
    }
    if (is_scheduled) {
        auto found = co_await find(call, *name, request.model);
        if (!found && found.error().code != Errc::NotFound) {
            co_await answer_upstream_failure(call, found.error(), engine.provider().config().name);
            co_return;
        }
        is_scheduled = found && (!found->info || !found->info->is_remote);
        if (is_scheduled) {
            request.name = std::move(*name);
            request.engine = found->engine;
            request.info = std::move(found->info);
        }
    }
    if (!is_scheduled) {
        co_await pass(call, engine, times, &request.body);
        co_return;
    }
    request.is_stream = true;
    if (auto options = read_options(request.members, {})) {
        request.options =
            std::move(*options);  // so that what is taken out of the body can be named
    }
    co_await run(call, request);
}

// HEAD answers 404 for a path without any route and 405 (or more) for one with a route; it starts
// nothing. Without this, a client that tries /v1/messages/count_tokens would have a model loaded
// for a 404.
net::Task<bool> Proxy::Impl::upstream_lacks(Call& call, engine::Engine& engine) {
    auto const& path = call.exchange.head().path;
    auto const now = call.exchange.loop().now();
    if (auto const known = absent_paths.find(path); known != absent_paths.end()) {
        if (now - known->second < kAbsentFor) {
            co_return true;
        }
        absent_paths.erase(known);
    }
    net::ClientRequest probe;
    probe.method = http::Method::Head;
    probe.target = http::encode_path(path);
    probe.head_timeout = engine.provider().config().timeout;
    auto answer = co_await engine.provider().client().send(probe, &call.exchange.canceller());
    if (!answer || answer->head().status != 404) {
        co_return false;
    }
    // Read to its end, so that the connection can be used again.
    auto const rest =
        co_await answer->read_all(64 * 1024, probe.head_timeout, &call.exchange.canceller());
    static_cast<void>(rest);
    if (absent_paths.size() >= kMaxAbsent) {
        absent_paths.clear();
    }
    absent_paths[path] = now;
    co_return true;
}

}  // namespace plimsoll::proxy
