// Requests that change what models exist. A model that loses its name or its weights while it is
// loaded can never be unloaded again, so it is unloaded first.

#include "proxy/entrance.hpp"
#include "proxy/impl.hpp"

#include <algorithm>
#include <optional>
#include <vector>

namespace plimsoll::proxy {
namespace {

using http::Operation;

constexpr std::uint64_t kMaxStoreBody = 1ULL << 20;

std::string text_of(std::optional<http::Member> const& member) {
    bool const is_text = member && member->value.kind == http::RawValue::Kind::String;
    return is_text ? member->value.text : std::string();
}

// The name that will mean something else afterwards; empty: none.
std::string changed_name(Operation operation, std::string_view body) {
    auto const members = http::find_members(body);
    if (!members) {
        return {};  // the upstream refuses it, too
    }
    switch (operation) {
        case Operation::Copy:
            return text_of(members->destination);
        case Operation::Delete:
        case Operation::Pull:
        case Operation::Create: {
            auto model = text_of(members->model);
            return model.empty() ? text_of(members->name) : model;
        }
        default:
            return {};  // a push changes nothing here
    }
}

bool is_loaded_there(engine::Engine const& engine, upstream::ModelInfo const& info) {
    auto const snapshot = engine.snapshot();
    return std::ranges::any_of(snapshot.instances, [&](auto const& i) {
        return i.weights == info.weights;
    });
}

}  // namespace

net::Task<bool> Proxy::Impl::read_store_request(Call& call, HeldBody& body) {
    auto const read = co_await body.read(call.exchange, kMaxStoreBody);
    if (!read) {
        co_await answer_failure(call, read.error());
        co_return false;
    }
    auto const may_use = co_await may_use_named(call, body.view());
    co_return may_use;
}

net::Task<void> Proxy::Impl::store_request(Call& call) {
    auto* engine = &first(call);
    if (call.route.operation == Operation::Blob) {
        co_await passive(call);  // files of any size: passed through
        co_return;
    }
    HeldBody body(bodies);
    auto const is_read = co_await read_store_request(call, body);
    if (!is_read) {
        co_return;
    }
    call.received = body.size();
    auto const names = named_models(body.view());
    for (auto const& named : names.value_or(std::vector<std::string>())) {
        if (is_virtual(call, named)) {
            co_await answer_virtually(call, named, body.view());
            co_return;
        }
    }
    auto const changed = changed_name(call.route.operation, body.view());
    call.model = changed;
    auto const name = ModelName::parse(changed);
    if (name) {
        auto const found = co_await find(call, *name, changed);
        if (found && found->info) {
            engine = found->engine;
            bool const is_loaded =
                !found->info->is_remote && is_loaded_there(*engine, *found->info);
            if (is_loaded) {
                auto const unloaded =
                    co_await engine->unload_and_wait(changed, call.exchange.canceller());
                if (!unloaded) {
                    co_await answer_failure(call, unloaded.error());
                    co_return;
                }
            }
        }
    }
    auto times = stream_times(engine->provider().config());
    times.head = engine->provider()
                     .config()
                     .answer_timeout;  // a pull without stream answers when all has come
    times.idle = times.first;          // quantising says nothing for long
    co_await pass(call, *engine, times, &body);
    if (name) {
        // Whatever came of it: the name may now mean other weights, or none.
        engine->forget(changed);
        engine_of.erase(name->key());
    }
}

}  // namespace plimsoll::proxy
