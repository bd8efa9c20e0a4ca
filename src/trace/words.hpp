#pragma once
// Enumerations by name, so that a value added in the middle does not change what old recordings
// mean. Pure.

#include <plimsoll/core/action.hpp>
#include <plimsoll/core/event.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace plimsoll::trace {

// Empty: no such value.
std::string_view word_of(core::Form value);
std::string_view word_of(core::Priority value);
std::string_view word_of(core::KeepAlive::Kind value);
std::string_view word_of(core::LoadFailure value);
std::string_view word_of(core::TicketOutcome value);
std::string_view word_of(core::RefuseKind value);
std::string_view word_of(core::Notice::Level value);

template <class E>
concept Worded = requires(E value) { word_of(value); };

// The value of that name.
template <Worded E>
std::optional<E> value_of(std::string_view word) {
    constexpr std::uint8_t kMany = 64;
    for (std::uint8_t i = 0; i < kMany && !word.empty(); ++i) {
        if (word_of(static_cast<E>(i)) == word) {
            return static_cast<E>(i);
        }
    }
    return std::nullopt;
}

}  // namespace plimsoll::trace
