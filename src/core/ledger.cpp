#include "core/placement.hpp"

#include <plimsoll/core/ledger.hpp>

namespace plimsoll::core {

namespace {

// Rounded up: what is known of the cards never falls below its share of the charge. Of a charge of
// nothing, every part is all of it.
Bytes scaled(Bytes part, Bytes from, Bytes to) {
    if (part >= from) {
        return to;
    }
    return part.scaled(static_cast<double>(to.count()) / static_cast<double>(from.count()));
}

}  // namespace

bool Ledger::reserve(InstanceId instance, Bytes charge, PerCard const& most) {
    // Bytes saturate, so a sum beyond 2^64 stays above every budget.
    if (charges_.contains(instance) || charged_ + charge > budget_) {
        return false;
    }
    PerCard const parts = most.size() == cards_.size() ? most : PerCard(cards_.size(), charge);
    PerCard after = by_card_;
    add(after, parts);
    if (is_any_over(cards_, after)) {
        return false;
    }
    charges_[instance] = Entry{charge, parts, false};
    recount();
    return true;
}

void Ledger::impose(InstanceId instance, Bytes charge) {
    auto const [at, is_new] = charges_.try_emplace(instance);
    Entry& entry = at->second;
    if (is_new) {
        entry.cards.assign(cards_.size(), charge);
    }
    for (Bytes& part : entry.cards) {
        part = scaled(part, entry.charge, charge);
    }
    entry.charge = charge;
    recount();
}

void Ledger::place(InstanceId instance, PerCard const& most, bool is_certain) {
    auto const found = charges_.find(instance);
    if (found == charges_.end() || most.size() != cards_.size()) {
        return;
    }
    found->second.cards = most;
    found->second.is_placed = is_certain;
    recount();
}

void Ledger::release(InstanceId instance) {
    if (charges_.erase(instance) > 0) {
        recount();
    }
}

void Ledger::set_budget(Bytes budget, std::vector<Card> cards) {
    budget_ = budget;
    cards_ = std::move(cards);
    for (auto& [instance, entry] : charges_) {
        if (entry.cards.size() != cards_.size()) {
            entry.cards.assign(cards_.size(), entry.charge);
            entry.is_placed = false;
        }
    }
    recount();
}

Bytes Ledger::charge_of(InstanceId instance) const {
    auto const found = charges_.find(instance);
    return found == charges_.end() ? Bytes() : found->second.charge;
}

PerCard Ledger::cards_of(InstanceId instance) const {
    auto const found = charges_.find(instance);
    return found == charges_.end() ? PerCard{} : found->second.cards;
}

bool Ledger::is_placed(InstanceId instance) const {
    auto const found = charges_.find(instance);
    return found != charges_.end() && found->second.is_placed;
}

bool Ledger::is_over_budget() const {
    return charged_ > budget_ || is_any_over(cards_, by_card_);
}

// A running sum would be wrong for ever after one saturated addition; there are a handful of
// entries.
void Ledger::recount() {
    charged_ = Bytes();
    by_card_.assign(cards_.size(), Bytes());
    for (auto const& [instance, entry] : charges_) {
        charged_ += entry.charge;
        add(by_card_, entry.cards);
    }
    if (charged_ > peak_) {
        peak_ = charged_;
    }
}

}  // namespace plimsoll::core
