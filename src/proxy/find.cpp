// Which engine has a model: with one upstream there is no question; with several, the first that
// knows the name.

#include "proxy/impl.hpp"

namespace plimsoll::proxy {
namespace {

// Names come from clients, so the memory of them is bounded.
constexpr std::size_t kMaxRemembered = 1024;

}  // namespace

net::Task<Result<Proxy::Impl::Found>> Proxy::Impl::find(
    Call const& call, ModelName const& name, std::string_view as_asked
) {
    std::string const text(as_asked);
    if (call.only != nullptr) {
        auto info = co_await call.only->resolve(text);
        if (!info && info.error().code != Errc::UpstreamUnavailable) {
            co_return fail(std::move(info.error()));
        }
        co_return Found{call.only, info ? std::move(*info) : nullptr};
    }
    std::string key;
    if (engines.size() > 1) {
        key = name.key();
        if (auto const known = engine_of.find(key); known != engine_of.end()) {
            auto* const engine = engines[known->second];
            auto info = co_await engine->resolve(text);
            if (info) {
                co_return Found{engine, std::move(*info)};
            }
            engine_of.erase(key);
        }
    }
    // A model that nobody has is only unknown if everybody could be asked.
    std::optional<Error> failure;
    for (std::size_t i = 0; i < engines.size(); ++i) {
        auto info = co_await engines[i]->resolve(text);
        if (info) {
            if (engines.size() > 1) {
                if (engine_of.size() >= kMaxRemembered) {
                    engine_of.clear();
                }
                engine_of[key] = i;
            }
            co_return Found{engines[i], std::move(*info)};
        }
        if (!failure || failure->code == Errc::NotFound) {
            failure = std::move(info.error());
        }
    }
    if (failure->code == Errc::UpstreamUnavailable) {
        // Down now: the engine decides whether the request may wait for it.
        co_return Found{engines.front(), nullptr};
    }
    co_return fail(std::move(*failure));
}

}  // namespace plimsoll::proxy
