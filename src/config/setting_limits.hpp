#pragma once
// Limits that several settings share.

#include <plimsoll/base/time.hpp>

#include <chrono>

namespace plimsoll::config {

inline constexpr Duration kLeastTimeout = std::chrono::milliseconds(10);
inline constexpr Duration kMostTimeout = std::chrono::hours(24);
inline constexpr Duration kMostKeepAlive = std::chrono::hours(24 * 365);

}  // namespace plimsoll::config
