#include "core/words.hpp"

namespace plimsoll::core {

std::string count_of(std::size_t n, std::string_view what) {
    return std::to_string(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

std::string name_with_charge(State const& state, Instance const& instance) {
    return instance.demand.model + " (" + format_bytes(state.ledger.charge_of(instance.id)) + ")";
}

std::string ledger_words(State const& state) {
    return format_bytes(state.ledger.charged()) + " of " + format_bytes(state.ledger.budget()) +
           " charged";
}

std::string use_words(Instance const& instance, TimePoint now) {
    if (instance.leases > 0) {
        return count_of(instance.leases, "answer") + " running";
    }
    return "idle " + format_duration(now - instance.last_used);
}

std::string form_words(Demand const& demand) {
    switch (demand.form) {
        case Form::Bare:
            return "bare";
        case Form::Pinned:
            return "num_ctx " + std::to_string(demand.settings.num_ctx);
        case Form::Unknown:
            break;
    }
    return "unknown settings";
}

}  // namespace plimsoll::core
