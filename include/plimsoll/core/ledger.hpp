#pragma once
// The one place where bytes are promised. A ledger knows reservations and nothing of models or
// policies: it refuses an over-commit, and room comes back only when the caller says that it is
// confirmed. Not thread-safe; the loop owns it.

#include <plimsoll/core/config.hpp>
#include <plimsoll/core/types.hpp>

#include <unordered_map>
#include <vector>

namespace plimsoll::core {

class Ledger {
  public:
    // cards: empty, or several, each with a budget of its own.
    explicit Ledger(Bytes budget, std::vector<Card> cards = {})
        : budget_(budget), cards_(std::move(cards)), by_card_(cards_.size()) {}

    // False, and nothing changes, if charged + charge > budget, if on some card charged + most >
    // its budget, or if the instance has a charge already. This is the only way in for our own
    // loads. most: what may lie on each card; empty: the whole charge on any.
    [[nodiscard]] bool reserve(InstanceId instance, Bytes charge, PerCard const& most = {});
    // For what comes over us from outside: a foreign row, a measurement above the prediction. May
    // end over budget. What was known of its cards grows and shrinks with the charge.
    void impose(InstanceId instance, Bytes charge);
    // Where the driver shows an instance to lie; without effect on one that has no charge.
    void place(InstanceId instance, PerCard const& most, bool is_certain = true);
    void release(InstanceId instance);

    // What is charged counts on each of the new cards in full if their number changes.
    void set_budget(Bytes budget, std::vector<Card> cards = {});

    [[nodiscard]] Bytes budget() const { return budget_; }

    [[nodiscard]] Bytes charged() const { return charged_; }

    [[nodiscard]] Bytes peak() const { return peak_; }

    [[nodiscard]] Bytes charge_of(InstanceId instance) const;
    // Of each card; empty without cards, and for an instance without a charge.
    [[nodiscard]] PerCard cards_of(InstanceId instance) const;
    // False: the driver has not shown where it lies, so on each card it may also be nothing.
    [[nodiscard]] bool is_placed(InstanceId instance) const;

    [[nodiscard]] PerCard const& charged_by_card() const { return by_card_; }

    [[nodiscard]] Bytes free() const { return budget_ - charged_; }

    [[nodiscard]] bool is_over_budget() const;

  private:
    struct Entry {
        Bytes charge;
        PerCard cards;
        bool is_placed = false;
    };

    void recount();

    Bytes budget_, charged_, peak_;
    std::vector<Card> cards_;
    PerCard by_card_;  // what may be charged to each
    std::unordered_map<InstanceId, Entry> charges_;
};

}  // namespace plimsoll::core
