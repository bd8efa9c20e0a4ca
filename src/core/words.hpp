#pragma once
// Sentences for reasons: what, to what, with which numbers.

#include "core/state.hpp"

#include <string>

namespace plimsoll::core {

[[nodiscard]] std::string count_of(
    std::size_t n, std::string_view what
);  // "1 ticket", "3 tickets"
[[nodiscard]] std::string name_with_charge(
    State const& state, Instance const& instance
);                                                           // "qwen3:32b (21.0 GiB)"
[[nodiscard]] std::string ledger_words(State const& state);  // "15.2 GiB of 22.0 GiB charged"
[[nodiscard]] std::string use_words(
    Instance const& instance, TimePoint now
);                                                           // "idle 212 s", "2 answers running"
[[nodiscard]] std::string form_words(Demand const& demand);  // "bare", "num_ctx 8192"

}  // namespace plimsoll::core
