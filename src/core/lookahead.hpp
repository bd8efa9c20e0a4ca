#pragma once
// Rule 9's last word: where few wait, each of the best ways to go on is run ahead on a copy of the
// state, and the one is taken after which all who wait now wait least.

#include "core/ranking.hpp"

#include <string>

namespace plimsoll::core {

// More waiting tickets than this, and what happens next says little about how long they all wait;
// running ahead would cost much, too.
inline constexpr std::size_t kFewWaiting = 32;
inline constexpr std::size_t kOptions = 6;

struct Preferred {
    Entry const* entry = nullptr;
    std::string why;  // empty: the ranking's first
};

// `options`: not empty, best first; of those the first kOptions count.
[[nodiscard]] Preferred prefer(State const& state, Ranking const& options, TimePoint now);

}  // namespace plimsoll::core
