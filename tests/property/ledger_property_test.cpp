#include "support/catch.hpp"

#include <plimsoll/core/ledger.hpp>

#include <rapidcheck.h>
#include <rapidcheck/catch.h>
#include <rapidcheck/state.h>

#include <map>

namespace plimsoll::test {

using namespace core;

namespace {

// The obvious ledger: a map and sums made anew each time.
struct Model {
    std::uint64_t budget = 0;
    std::map<int, std::uint64_t> charges;

    [[nodiscard]] std::uint64_t sum() const {
        std::uint64_t total = 0;
        for (auto const& [id, charge] : charges) {
            total += charge;
        }
        return total;
    }
};

using Base = rc::state::Command<Model, Ledger>;

void compare(Model const& model, Ledger const& ledger) {
    RC_ASSERT(ledger.charged().count() == model.sum());
    RC_ASSERT(ledger.is_over_budget() == (model.sum() > model.budget));
    RC_ASSERT(ledger.peak() >= ledger.charged());
    for (auto const& [id, charge] : model.charges) {
        RC_ASSERT(ledger.charge_of(InstanceId{static_cast<std::uint64_t>(id)}).count() == charge);
    }
}

struct OnInstance : Base {
    int id = *rc::gen::inRange(1, 6);
    std::uint64_t charge = *rc::gen::inRange<std::uint64_t>(0, 60);

    [[nodiscard]] InstanceId instance() const { return InstanceId{static_cast<std::uint64_t>(id)}; }
};

struct Reserve : OnInstance {
    [[nodiscard]] bool fits(Model const& model) const {
        return !model.charges.contains(id) && model.sum() + charge <= model.budget;
    }

    void apply(Model& model) const override {
        if (fits(model)) {
            model.charges[id] = charge;
        }
    }

    void run(Model const& model, Ledger& ledger) const override {
        RC_ASSERT(ledger.reserve(instance(), Bytes(charge)) == fits(model));
        compare(nextState(model), ledger);
    }
};

struct Impose : OnInstance {
    void apply(Model& model) const override { model.charges[id] = charge; }

    void run(Model const& model, Ledger& ledger) const override {
        ledger.impose(instance(), Bytes(charge));
        compare(nextState(model), ledger);
    }
};

struct Release : OnInstance {
    void apply(Model& model) const override { model.charges.erase(id); }

    void run(Model const& model, Ledger& ledger) const override {
        ledger.release(instance());
        compare(nextState(model), ledger);
    }
};

struct SetBudget : Base {
    std::uint64_t budget = *rc::gen::inRange<std::uint64_t>(0, 200);

    void apply(Model& model) const override { model.budget = budget; }

    void run(Model const& model, Ledger& ledger) const override {
        ledger.set_budget(Bytes(budget));
        compare(nextState(model), ledger);
    }
};

}  // namespace

TEST_CASE("ledger: any sequence of commands agrees with a plain map", "[core][ledger][property]") {
    rc::prop("commands", [] {
        Model const model{100, {}};
        Ledger ledger(Bytes(100));
        rc::state::check(
            model, ledger, rc::state::gen::execOneOfWithArgs<Reserve, Impose, Release, SetBudget>()
        );
    });
}

}  // namespace plimsoll::test
