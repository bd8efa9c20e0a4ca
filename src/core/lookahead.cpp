#include "core/lookahead.hpp"

#include "core/forecast.hpp"

#include <algorithm>

namespace plimsoll::core {

namespace {

// Expected times are not known well enough for less.
constexpr double kClearlyLess = 0.98;

std::string words(Entry const& best, double total, Entry const& first, double first_total) {
    return "those who wait now will wait about " + format_duration(from_seconds(total)) +
           " in all, and " + format_duration(from_seconds(first_total)) + " if " +
           first.target->model + " came before " + best.target->model;
}

}  // namespace

Preferred prefer(State const& state, Ranking const& options, TimePoint now) {
    if (state.favoured) {
        auto const found = std::ranges::find_if(options, [&](Entry const* each) {
            return each->target->weights == *state.favoured;
        });
        return {found != options.end() ? *found : options.front(), {}};
    }
    if (state.is_copy || options.size() < 2 || state.waiting > kFewWaiting) {
        return {options.front(), {}};
    }
    Entry const* best = options.front();
    double const first = total_wait_if_next(state, now, *best->target);
    double least = first;
    for (std::size_t i = 1; i < std::min(options.size(), kOptions); ++i) {
        double const total = total_wait_if_next(state, now, *options[i]->target);
        if (total < least * kClearlyLess) {
            best = options[i];
            least = total;
        }
    }
    bool const is_first = best == options.front();
    return {best, is_first ? std::string() : words(*best, least, *options.front(), first)};
}

}  // namespace plimsoll::core
