#include "property/upstream.hpp"

#include <algorithm>

namespace plimsoll::test {

std::uint64_t FakeUpstream::start(Runner runner) {
    runner.uid = ++last_uid_;
    runners_.push_back(std::move(runner));
    return last_uid_;
}

Runner* FakeUpstream::find(std::uint64_t uid) {
    auto const found = std::ranges::find(runners_, uid, &Runner::uid);
    return found == runners_.end() ? nullptr : &*found;
}

Runner* FakeUpstream::of_instance(core::InstanceId instance) {
    auto const found = std::ranges::find(runners_, instance, &Runner::instance);
    return found == runners_.end() ? nullptr : &*found;
}

Runner* FakeUpstream::of_weights(std::string const& weights) {
    auto const found = std::ranges::find(runners_, weights, &Runner::weights);
    return found == runners_.end() ? nullptr : &*found;
}

void FakeUpstream::remove(std::uint64_t uid) {
    if (Runner const* const runner = find(uid)) {
        if (!runner->is_loading) {
            ghosts_.push_back(core::Row{
                runner->weights,
                runner->model,
                runner->shown,
                runner->shown,
                runner->num_ctx,
                {},
                {},
                runner->bytes
            });
        }
    }
    std::erase_if(runners_, [&](Runner const& runner) { return runner.uid == uid; });
}

Bytes FakeUpstream::physical() const {
    Bytes sum;
    for (Runner const& runner : runners_) {
        sum += runner.is_dead ? Bytes() : runner.bytes;
    }
    return sum;
}

core::PerCard FakeUpstream::physical_by_card() const {
    core::PerCard sum;
    for (Runner const& runner : runners_) {
        sum.resize(std::max(sum.size(), runner.cards.size()));
        for (std::size_t i = 0; i < runner.cards.size() && !runner.is_dead; ++i) {
            sum[i] += runner.cards[i];
        }
    }
    return sum;
}

std::vector<core::Row> FakeUpstream::true_list() const {
    std::vector<core::Row> rows;
    for (Runner const& runner : runners_) {
        if (!runner.is_loading) {
            rows.push_back(core::Row{
                runner.weights,
                runner.model,
                runner.shown,
                runner.shown,
                runner.num_ctx,
                {},
                {},
                runner.bytes
            });
        }
    }
    return rows;
}

void FakeUpstream::remember(Faults const& faults, TimePoint now) {
    if (faults.list_lag == Duration{}) {
        return;
    }
    auto rows = true_list();
    bool const is_same =
        !history_.empty() &&
        std::ranges::equal(
            rows, history_.back().second, {}, &core::Row::weights, &core::Row::weights
        ) &&
        std::ranges::equal(
            rows, history_.back().second, {}, &core::Row::num_ctx, &core::Row::num_ctx
        );
    if (!is_same) {
        history_.emplace_back(now, std::move(rows));
    }
}

std::vector<core::Row> FakeUpstream::list(Faults const& faults, TimePoint now) {
    std::vector<core::Row> rows = true_list();
    if (faults.list_lag > Duration{}) {
        while (history_.size() > 1 && history_[1].first <= now - faults.list_lag) {
            history_.pop_front();
        }
        rows = history_.empty() ? rows : history_.front().second;
    }
    std::unordered_set<std::string> omitted;
    std::erase_if(rows, [&](core::Row const& row) {
        // Never the same row twice in a row: that would be a row that is gone.
        bool const omits = !omitted_.contains(row.weights) && rng_.chance(faults.list_omits);
        if (omits) {
            omitted.insert(row.weights);
        }
        return omits;
    });
    omitted_ = std::move(omitted);
    for (core::Row& row : rows) {
        if (rng_.chance(faults.list_wrong_size)) {
            double const factor = rng_.chance(0.3) ? 0.0 : rng_.between(0.3, 1.3);
            row.size =
                Bytes(static_cast<std::uint64_t>(static_cast<double>(row.size.count()) * factor));
            row.size_vram = row.size;
        }
    }
    if (!ghosts_.empty() && rng_.chance(faults.list_ghosts)) {
        core::Row const& ghost = ghosts_[rng_.below(ghosts_.size())];
        if (std::ranges::find(rows, ghost.weights, &core::Row::weights) == rows.end()) {
            rows.push_back(ghost);
        }
    }
    if (ghosts_.size() > 3 || !rng_.chance(0.7)) {
        ghosts_.clear();
    }
    return rows;
}

}  // namespace plimsoll::test
