#include <plimsoll/core/ledger.hpp>

namespace plimsoll::core {

bool Ledger::reserve(InstanceId instance, Bytes charge) {
    // Bytes saturate, so a sum beyond 2^64 stays above every budget.
    if (charges_.contains(instance) || charged_ + charge > budget_) {
        return false;
    }
    impose(instance, charge);
    return true;
}

void Ledger::impose(InstanceId instance, Bytes charge) {
    charges_[instance] = charge;
    recount();
}

void Ledger::release(InstanceId instance) {
    if (charges_.erase(instance) > 0) {
        recount();
    }
}

Bytes Ledger::charge_of(InstanceId instance) const {
    auto const found = charges_.find(instance);
    return found == charges_.end() ? Bytes() : found->second;
}

// A running sum would be wrong for ever after one saturated addition; there are a handful of
// entries.
void Ledger::recount() {
    charged_ = Bytes();
    for (auto const& [instance, charge] : charges_) {
        charged_ += charge;
    }
    if (charged_ > peak_) {
        peak_ = charged_;
    }
}

}  // namespace plimsoll::core
