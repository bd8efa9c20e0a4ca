#pragma once
// Arithmetic with one amount for each card. Pure.

#include <plimsoll/core/snapshot.hpp>
#include <plimsoll/core/types.hpp>

namespace plimsoll::engine {

[[nodiscard]] Bytes sum_of(core::PerCard const& cards);
// By card, never below zero; cards that `less` lacks stay as they are.
[[nodiscard]] core::PerCard difference(core::PerCard const& from, core::PerCard const& less);
// `bytes` in proportion to `like`; on each in full where `like` is zero.
[[nodiscard]] core::PerCard shares(Bytes bytes, core::PerCard const& like);
// What the instances take of each card whose place the driver has shown.
[[nodiscard]] core::PerCard placed_use(core::Snapshot const& snapshot);

}  // namespace plimsoll::engine
