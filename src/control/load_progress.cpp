// A load that a person watches: progress as Server-Sent Events until it is ready or has failed.

#include "control/impl.hpp"
#include "control/json_view.hpp"

#include <plimsoll/base/model_name.hpp>

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::control {
namespace {

namespace json = boost::json;

constexpr Duration kEvery = std::chrono::milliseconds(500);

// Shared by the load and the one who tells of it; whoever ends last frees it.
struct Running {
    explicit Running(net::Loop& loop) : done(loop) {}

    net::Flag done;
    net::Canceller canceller;
    std::optional<Result<core::InstanceView>> result;
};

net::Task<void> run_load(
    std::shared_ptr<Running> running, engine::Engine& engine, engine::AcquireRequest request
) {
    running->result = co_await engine.load(std::move(request), running->canceller);
    running->done.set();
}

std::string sse(std::string_view event, json::object const& data) {
    return fmt::format("event: {}\ndata: {}\n\n", event, json::serialize(data));
}

// Where the load stands: the instance if it is there, else why it waits.
json::object progress_json(
    core::Snapshot const& snapshot, std::string const& key, Duration elapsed, Duration expected
) {
    json::object out;
    out["elapsed_seconds"] = to_seconds(elapsed);
    out["expected_seconds"] =
        expected > Duration{} ? json::value(to_seconds(expected)) : json::value(nullptr);
    out["state"] = "waiting";
    auto const is_ours = [&](auto const& view) {
        auto const name = ModelName::parse(view.model);
        return name && name->key() == key;
    };
    auto const instance = std::ranges::find_if(snapshot.instances, is_ours);
    if (instance != snapshot.instances.end()) {
        out["state"] = to_string(instance->state);
        out["charge_bytes"] = instance->charge.count();
    }
    auto const waiting = std::ranges::find_if(snapshot.waiting, is_ours);
    out["why"] =
        waiting != snapshot.waiting.end() ? json::value(waiting->why) : json::value(nullptr);
    return out;
}

http::Fields stream_fields() {
    http::Fields fields;
    fields.add("Content-Type", "text/event-stream");
    fields.add("Cache-Control", "no-store");
    return fields;
}

}  // namespace

net::Task<void> Control::Impl::load_with_progress(
    net::Exchange& exchange, engine::Engine& engine, engine::AcquireRequest request
) {
    auto& loop = exchange.loop();
    auto const began = loop.now();
    auto const name = ModelName::parse(request.model);
    auto const key = name ? name->key() : std::string();
    auto const known = load_times.find(name ? name->short_name() : request.model);
    auto const expected = known == load_times.end() ? Duration{} : known->second;
    auto const running = std::make_shared<Running>(loop);
    loop.spawn(
        "operator's load of " + request.model, run_load(running, engine, std::move(request))
    );
    // An operator who leaves takes the wish back.
    net::Canceller::Registration const leaving(exchange.canceller(), [running] {
        running->canceller.cancel();
    });
    auto const started = co_await exchange.start(
        200, "OK", stream_fields(), {http::Framing::Kind::Chunked, 0}, true
    );
    bool is_there = started.has_value();
    while (is_there && !running->result) {
        auto const told = co_await exchange.write(
            sse("progress", progress_json(engine.snapshot(), key, loop.now() - began, expected))
        );
        is_there = told.has_value();
        if (is_there) {
            auto const waited =
                co_await running->done.wait(loop.now() + kEvery, &exchange.canceller());
            is_there = waited.has_value() || waited.error().code == Errc::Timeout;
        }
    }
    if (!is_there) {
        running->canceller.cancel();
        co_return;
    }
    auto const& result = *running->result;
    if (result) {
        load_times[result->model] = result->load_took;
    }
    auto const last =
        result ? sse("loaded", instance_json(*result, engine.provider().config(), loop.now()))
               : sse("error",
                     {{"error", result.error().message},
                      {"status", http::status_of(result.error().code)}});
    auto const told = co_await exchange.write(last);
    if (told) {
        auto const finished = co_await exchange.finish();
        static_cast<void>(finished);
    }
}

}  // namespace plimsoll::control
