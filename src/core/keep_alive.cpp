#include "core/keep_alive.hpp"

#include "core/unloading.hpp"
#include "core/words.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

constexpr std::size_t kManyWishes = 64;

TimePoint virtual_now(Stay const& stay, TimePoint now) {
    return (stay.standing_since ? *stay.standing_since : now) - stay.stood;
}

TimePoint later(TimePoint at, Duration by) {
    return by >= kNever - at ? kNever : at + by;
}

TimePoint end_of(SchedulerConfig const& config, Stay::Wish const& wish, TimePoint from) {
    bool const is_forever =
        wish.is_default ? config.keep_forever : wish.keep_alive.kind == KeepAlive::Kind::Forever;
    if (is_forever) {
        return kNever;
    }
    return later(from, wish.is_default ? config.default_keep_alive : wish.keep_alive.duration);
}

void find_latest(Stay& stay, TimePoint now) {
    if (stay.wishes.size() > kManyWishes) {
        std::erase_if(stay.wishes, [&](auto const& wish) {
            return wish.second.until < virtual_now(stay, now);
        });
    }
    stay.latest = TimePoint::min();
    for (auto const& [client, wish] : stay.wishes) {
        stay.latest = std::max(stay.latest, wish.until);
    }
}

void set_wish(
    State const& state, Stay& stay, std::string const& client, Stay::Wish wish, TimePoint now
) {
    wish.until = end_of(state.config, wish, virtual_now(stay, now));
    bool const is_latest = wish.until >= stay.latest && stay.wishes.size() <= kManyWishes;
    TimePoint const until = wish.until;
    stay.wishes.insert_or_assign(client, std::move(wish));
    stay.is_given_up = false;
    if (is_latest) {
        stay.latest = until;
    } else {
        find_latest(stay, now);
    }
}

void end_wish(Stay& stay, std::string const& client, TimePoint now) {
    stay.wishes.erase(client);
    find_latest(stay, now);
    stay.is_given_up = stay.wishes.empty();
}

void apply(
    State const& state,
    Stay& stay,
    std::string const& client,
    std::optional<KeepAlive> given,
    TimePoint now
) {
    if (given && given->kind == KeepAlive::Kind::Zero) {
        end_wish(stay, client, now);
        return;
    }
    auto const old = stay.wishes.find(client);
    if (given) {
        set_wish(state, stay, client, Stay::Wish{*given, false, {}}, now);
    } else if (old != stay.wishes.end()) {
        set_wish(
            state, stay, client, old->second, now
        );  // sticky, as upstream; counted from this use
    } else {
        set_wish(state, stay, client, Stay::Wish{{}, true, {}}, now);
    }
}

bool is_in_use(Instance const& instance) {
    return instance.leases > 0 || instance.target->waiting > 0 ||
           !instance.target->announcements.empty();
}

// What the timer would end at, whether or not it stands.
TimePoint end_of_stay(State const& state, Instance const& instance) {
    Stay const& stay = instance.target->stay;
    if (!stay.wishes.empty()) {
        return stay.latest == kNever ? kNever : later(stay.latest, stay.stood);
    }
    if (stay.is_given_up) {
        return instance.last_used;
    }
    TimePoint const idle_since = std::max(instance.last_used, stay.stood_until);
    return state.config.keep_forever ? kNever : later(idle_since, state.config.default_keep_alive);
}

}  // namespace

void note_lease(Turn& turn, Instance& instance) {
    run_timer(instance, turn.now);
}

void note_lease_end(Turn& turn, Instance& instance, Ticket const& ticket) {
    apply(turn.state, instance.target->stay, ticket.client, ticket.keep_alive, turn.now);
    run_timer(instance, turn.now);
}

void note_wish(
    Turn& turn, std::string const& client, std::string const& weights, KeepAlive keep_alive
) {
    Target* const target = find_target(turn.state, weights);
    if (target != nullptr && target->instance != nullptr) {
        apply(turn.state, target->stay, client, keep_alive, turn.now);
        if (target->stay.is_given_up) {
            // Its last client has said that it does not come back at once.
            target->instance->active_until = std::min(target->instance->active_until, turn.now);
        }
    }
}

void drop_wishes(Target& target) {
    target.stay.wishes.clear();
    target.stay.latest = TimePoint::min();
    target.stay.is_given_up = true;
}

void run_timer(Instance& instance, TimePoint now) {
    Stay& stay = instance.target->stay;
    bool const must_stand = is_in_use(instance);
    if (must_stand && !stay.standing_since) {
        stay.standing_since = now;
    } else if (!must_stand && stay.standing_since) {
        stay.stood += now - *stay.standing_since;
        stay.stood_until = now;
        stay.standing_since.reset();
    }
}

std::optional<TimePoint> expiry_of(State const& state, Instance const& instance) {
    // Rows that others loaded have the keep-alive that those gave them.
    if (is_in_use(instance) || instance.target->pin || instance.demand.form == Form::Unknown) {
        return std::nullopt;
    }
    TimePoint const end = end_of_stay(state, instance);
    return end == kNever ? std::nullopt : std::optional(end);
}

void expire(Turn& turn) {
    State& state = turn.state;
    for (auto& [id, instance] : state.instances) {
        if (instance.state != InstanceState::Ready) {
            continue;
        }
        run_timer(instance, turn.now);
        auto const end = expiry_of(state, instance);
        if (!end || !state.config.auto_unload || !state.is_up) {
            continue;
        }
        if (turn.now < *end) {
            turn.wake(*end);
            continue;
        }
        ++state.counters.expirations;
        send_unload(
            turn,
            instance,
            "keep-alive of " + name_with_charge(state, instance) +
                " is over: " + use_words(instance, turn.now) + ", " +
                (instance.target->stay.is_given_up ? "its last client asked to unload it"
                                                   : "no wish left")
        );
    }
}

}  // namespace plimsoll::core
