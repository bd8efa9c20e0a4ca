#pragma once
// The one place where bytes are promised. A ledger knows reservations and nothing of models or
// policies: it refuses an over-commit, and room comes back only when the caller says that it is
// confirmed. Not thread-safe; the loop owns it.

#include <plimsoll/core/types.hpp>

#include <unordered_map>

namespace plimsoll::core {

class Ledger {
  public:
    explicit Ledger(Bytes budget) : budget_(budget) {}

    // False, and nothing changes, if charged + charge > budget or the instance has a charge
    // already. This is the only way in for our own loads.
    [[nodiscard]] bool reserve(InstanceId instance, Bytes charge);
    // For what comes over us from outside: a foreign row, a measurement above the prediction. May
    // end over budget.
    void impose(InstanceId instance, Bytes charge);
    void release(InstanceId instance);

    void set_budget(Bytes budget) { budget_ = budget; }

    [[nodiscard]] Bytes budget() const { return budget_; }

    [[nodiscard]] Bytes charged() const { return charged_; }

    [[nodiscard]] Bytes peak() const { return peak_; }

    [[nodiscard]] Bytes charge_of(InstanceId instance) const;

    [[nodiscard]] Bytes free() const { return budget_ - charged_; }

    [[nodiscard]] bool is_over_budget() const { return charged_ > budget_; }

  private:
    void recount();

    Bytes budget_, charged_, peak_;
    std::unordered_map<InstanceId, Bytes> charges_;
};

}  // namespace plimsoll::core
