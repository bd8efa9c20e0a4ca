#pragma once
// UTC for what clients are shown. The system's clock is read once; from there the loop's time
// carries on, so that on a manual clock the shown times move with it.

#include <plimsoll/base/time.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace plimsoll::sim {

class WallClock {
  public:
    explicit WallClock(TimePoint now);

    // "2026-11-23T14:52:24.597257454Z": trailing zeros of the fraction are cut, as Go does.
    [[nodiscard]] std::string rfc3339(TimePoint at) const;
    // 292 years ahead, as the server shows "for ever".
    [[nodiscard]] std::string rfc3339_forever(TimePoint now) const;
    [[nodiscard]] std::int64_t unix_seconds(TimePoint at) const;

  private:
    struct Stamp {
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
    };

    [[nodiscard]] Stamp stamp(TimePoint at) const;
    static std::string text(Stamp stamp);

    Stamp origin_;
    TimePoint begin_;
};

}  // namespace plimsoll::sim
