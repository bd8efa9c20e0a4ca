#pragma once
// How long things took at most, of late: what a promise about the future can be made of.

#include <plimsoll/base/time.hpp>

#include <algorithm>
#include <chrono>

namespace plimsoll::core {

// The longest of the last one to two hours, so that one bad moment does not count for ever.
class Longest {
  public:
    void note(Duration length, TimePoint now) {
        turn_over(now);
        present_ = std::max(present_, length);
    }

    [[nodiscard]] Duration get(TimePoint now) const {
        Longest copy = *this;
        copy.turn_over(now);
        return std::max(copy.present_, copy.previous_);
    }

  private:
    static constexpr Duration kSpan = std::chrono::hours(1);

    void turn_over(TimePoint now) {
        if (now - since_ < kSpan) {
            return;
        }
        previous_ = now - since_ < 2 * kSpan ? present_ : Duration();
        present_ = Duration();
        since_ = now;
    }

    TimePoint since_{};
    Duration present_{}, previous_{};
};

struct Pace {
    Longest answer;         // from dispatch to the last byte
    Longest list;           // from asking for a list to its coming
    Longest load_excess;    // beyond what was expected of a load
    Longest unload_excess;  // likewise, until the row was seen gone
};

}  // namespace plimsoll::core
