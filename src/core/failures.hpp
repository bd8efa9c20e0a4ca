#pragma once
// Rule 15: a load that failed is retried once where memory ran out, then its key is barred for a
// while.

#include "core/admission.hpp"

namespace plimsoll::core {

[[nodiscard]] std::optional<Verdict> barred(
    Target const& target, Demand const& demand, TimePoint now
);
// Charge this key with at least so much for an hour.
void raise_charge(Target& target, Demand const& demand, Bytes charge, TimePoint now);

void note_load_success(Target& target, Demand const& demand);
// Answers, retries or bars, by the kind of failure. `demand` is what was loaded.
void note_load_failure(
    Turn& turn, Target& target, Demand const& demand, LoadFailure failure, std::string const& text
);

}  // namespace plimsoll::core
