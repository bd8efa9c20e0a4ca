#include "proxy/keep_alive.hpp"

#include <plimsoll/base/time.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::proxy {
namespace {

core::KeepAlive to_core(http::KeepAliveValue const& value) {
    switch (value.kind) {
        case http::KeepAliveValue::Kind::Zero:
            return {core::KeepAlive::Kind::Zero, {}};
        case http::KeepAliveValue::Kind::Forever:
            return {core::KeepAlive::Kind::Forever, {}};
        case http::KeepAliveValue::Kind::For:
            break;
    }
    return {core::KeepAlive::Kind::For, from_seconds(value.seconds)};
}

std::string describe(core::KeepAlive const& value) {
    switch (value.kind) {
        case core::KeepAlive::Kind::Zero:
            return "0";
        case core::KeepAlive::Kind::Forever:
            return "for ever";
        case core::KeepAlive::Kind::For:
            break;
    }
    return format_duration(value.duration);
}

}  // namespace

Checked<AskedKeepAlive> read_keep_alive(
    http::BodyMembers const& members, engine::EngineConfig const& config
) {
    AskedKeepAlive asked;
    if (!members.keep_alive || members.keep_alive->value.kind == http::RawValue::Kind::Null) {
        return asked;
    }
    auto const parsed = http::parse_keep_alive(members.keep_alive->value);
    if (!parsed) {
        return refuse(400, parsed.error().message);
    }
    auto const wanted = to_core(*parsed);
    asked.is_zero = wanted.kind == core::KeepAlive::Kind::Zero;
    asked.value = wanted;
    if (config.keep_alive_policy == engine::KeepAlivePolicy::Override) {
        asked.value.reset();
        asked.adjusted = fmt::format("keep_alive cut (asked {})", describe(wanted));
    } else if (config.keep_alive_policy == engine::KeepAlivePolicy::Clamp) {
        bool const too_long =
            wanted.kind == core::KeepAlive::Kind::Forever ||
            (wanted.kind == core::KeepAlive::Kind::For && wanted.duration > config.keep_alive_max);
        if (too_long) {
            asked.value = core::KeepAlive{core::KeepAlive::Kind::For, config.keep_alive_max};
            asked.adjusted = fmt::format(
                "keep_alive={} (asked {})", format_duration(config.keep_alive_max), describe(wanted)
            );
        }
    }
    return asked;
}

}  // namespace plimsoll::proxy
