// What can be changed while we run, without a file.

#include "control/impl.hpp"
#include "control/request_json.hpp"

#include <plimsoll/log/log.hpp>

#include <array>

namespace plimsoll::control {
namespace {

namespace json = boost::json;
using namespace std::string_view_literals;

constexpr log::Logger kLog{"control"};

json::object settings_json(engine::EngineConfig const& config) {
    json::object out;
    out["enabled"] = config.enabled;
    out["auto_unload"] = config.scheduler.auto_unload;
    out["default_keep_alive_seconds"] =
        config.scheduler.keep_forever
            ? json::value(nullptr)
            : json::value(to_seconds(config.scheduler.default_keep_alive));
    out["verbose"] = config.verbose;
    return out;
}

}  // namespace

net::Task<void> Control::Impl::settings(net::Exchange& exchange) {
    co_await respond_json(exchange, 200, settings_json(context.engines.front()->config()));
}

net::Task<void> Control::Impl::change_settings(net::Exchange& exchange) {
    static constexpr std::array kMembers{"auto_unload"sv, "default_keep_alive"sv, "verbose"sv};
    auto const body = co_await read_object(exchange, kMembers);
    if (!body) {
        co_await respond_error(exchange, body.error());
        co_return;
    }
    auto const auto_unload = bool_member(*body, "auto_unload");
    auto const verbose = bool_member(*body, "verbose");
    auto const keep_alive = keep_alive_member(*body, "default_keep_alive");
    if (!auto_unload || !verbose || !keep_alive) {
        co_await respond_error(
            exchange,
            !auto_unload ? auto_unload.error()
            : !verbose   ? verbose.error()
                         : keep_alive.error()
        );
        co_return;
    }
    // All members are right: only now does anything change.
    for (auto* engine : context.engines) {
        auto config = engine->config();
        config.scheduler.auto_unload = auto_unload->value_or(config.scheduler.auto_unload);
        config.verbose = verbose->value_or(config.verbose);
        if (*keep_alive) {
            config.scheduler.keep_forever = (*keep_alive)->kind == core::KeepAlive::Kind::Forever;
            config.scheduler.default_keep_alive = (*keep_alive)->duration;
        }
        engine->reconfigure(std::move(config));
    }
    kLog.info("settings changed", {{"by", std::string_view(exchange.peer())}});
    co_await respond_json(exchange, 200, settings_json(context.engines.front()->config()));
}

}  // namespace plimsoll::control
