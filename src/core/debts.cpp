#include "core/debts.hpp"

#include "core/state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace plimsoll::core {

namespace {

constexpr double kHalfLife = 600;  // seconds
constexpr double kSmall = 0.1;     // seconds; as good as none
constexpr std::size_t kManyClients = 4096;

}  // namespace

void Debts::charge(std::string const& client, double seconds, TimePoint now) {
    if (entries_.size() >= kManyClients) {
        forget_small(now);
    }
    Entry& entry = entries_[client];
    entry = {of(client, now) + seconds, now};
}

double Debts::of(std::string const& client, TimePoint now) const {
    auto const found = entries_.find(client);
    if (found == entries_.end()) {
        return 0;
    }
    double const seconds =
        found->second.seconds * std::exp2(-to_seconds(now - found->second.as_of) / kHalfLife);
    return seconds < kSmall ? 0 : seconds;
}

void Debts::forget_small(TimePoint now) {
    std::erase_if(entries_, [&](auto const& entry) { return of(entry.first, now) == 0; });
}

void blame(Instance& instance, Target const& target) {
    instance.blamed.clear();
    for (ClientQueue const& client : target.clients) {
        instance.blamed.push_back(client.client);
    }
}

void charge_blamed(State& state, Instance& instance, TimePoint now) {
    auto const blamed = std::exchange(instance.blamed, {});
    double const share = to_seconds(now - instance.since) /
                         static_cast<double>(std::max<std::size_t>(1, blamed.size()));
    for (std::string const& client : blamed) {
        state.debts.charge(client, share, now);
    }
}

double debt_of(State const& state, Target const& target, TimePoint now) {
    double least = target.clients.empty() ? 0 : std::numeric_limits<double>::max();
    for (ClientQueue const& client : target.clients) {
        least = std::min(least, state.debts.of(client.client, now));
    }
    return least;
}

}  // namespace plimsoll::core
