#include "core/demand.hpp"

#include "core/announcements.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

// An option that is not given means the default to the upstream, but for num_gpu, where it means
// "whatever runs".
bool are_options_met(RunnerOptions const& running, RunnerOptions wanted) {
    if (!wanted.num_gpu) {
        wanted.num_gpu = running.num_gpu;
    }
    return running == wanted;
}

bool is_larger(RunnerSettings const& a, RunnerSettings const& b) {
    return a.num_ctx != b.num_ctx ? a.num_ctx > b.num_ctx : a.num_batch > b.num_batch;
}

bool is_bare_enough_for_all(Target const& target, Demand const& bare) {
    return std::ranges::all_of(target.wants, [&](Want const& want) {
        return serves(bare, want.demand);
    });
}

}  // namespace

bool serves(Demand const& loaded, Demand const& wanted) {
    RunnerSettings const& has = loaded.settings;
    RunnerSettings const& needs = wanted.settings;
    if (loaded.form == Form::Unknown || !are_options_met(has.options, needs.options)) {
        return false;
    }
    bool const is_bare = loaded.form == Form::Bare;
    if (wanted.form == Form::Bare) {
        // Where neither name sets a context both have the upstream's default, whatever it is.
        bool const has_default = !loaded.has_own_ctx && !wanted.has_own_ctx;
        return is_bare && (has_default || has.num_ctx == needs.num_ctx);
    }
    // A bare instance gets native requests with num_ctx and num_batch cut out, so its batch does
    // not matter.
    bool const is_batch_met = is_bare || has.num_batch >= needs.num_batch;
    return is_batch_met && has.num_ctx >= needs.num_ctx;
}

bool is_same_key(Demand const& a, Form form, RunnerSettings const& settings) {
    return a.form == form && a.settings == settings;
}

Bytes charge_for(Target const& target, Demand const& demand, TimePoint now) {
    for (KeyRecord const& key : target.keys) {
        if (now < key.raised_until && is_same_key(demand, key.form, key.settings)) {
            return std::max(demand.charge, key.raised);
        }
    }
    return demand.charge;
}

Want const* leading_want(Target const& target) {
    Want const* leader = nullptr;
    for (Want const& want : target.wants) {
        if (!want.is_served && (leader == nullptr || *want.due.begin() < *leader->due.begin())) {
            leader = &want;
        }
    }
    return leader;
}

TimePoint due_of(State const& state, Target const& target) {
    Want const* const leader = leading_want(target);
    TimePoint due = leader != nullptr ? leader->due.begin()->first : kNever;
    if (target.pin && target.instance == nullptr) {
        due = std::min(due, target.pin->since + state.config.patience[1]);
    }
    return due;
}

Demand const* leading_demand(Target const& target) {
    Want const* const leader = leading_want(target);
    if (leader != nullptr) {
        return &leader->demand;
    }
    if (target.pin) {
        return &target.pin->demand;
    }
    Announcement const* const announced = leading_announcement(target);
    return announced != nullptr ? &announced->demand : nullptr;
}

std::optional<Chosen> choose_demand(
    Target const& target, SchedulerConfig const& config, Held const& others, TimePoint now
) {
    Demand const* const leader = leading_demand(target);
    if (leader == nullptr) {
        return std::nullopt;
    }
    Demand const* best = nullptr;
    auto const consider = [&](Demand const& demand) {
        if (serves(demand, *leader) &&
            is_within_budget(
                config, others, charge_for(target, demand, now), demand.upstream_estimate
            ) &&
            (best == nullptr || is_larger(demand.settings, best->settings))) {
            best = &demand;
        }
    };
    bool const may_be_bare = target.seen_bare && serves(*target.seen_bare, *leader) &&
                             is_bare_enough_for_all(target, *target.seen_bare);
    if (may_be_bare) {
        consider(*target.seen_bare);
    }
    if (best == nullptr) {
        consider(*leader);
        for (Want const& want : target.wants) {
            if (want.demand.form == leader->form) {
                consider(want.demand);
            }
        }
        if (target.pin && target.pin->demand.form == leader->form) {
            consider(target.pin->demand);
        }
        for (Announcement const& each : target.announcements) {
            if (target.waiting == 0 && each.demand.form == leader->form) {
                consider(each.demand);
            }
        }
    }
    if (best == nullptr) {
        return std::nullopt;
    }
    return Chosen{best, charge_for(target, *best, now)};
}

}  // namespace plimsoll::core
