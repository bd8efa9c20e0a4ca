#pragma once
// The timers of one loop, ordered by time and then by arming. Pure but for the owners it is told
// about: it reads no clock and makes no system call.

#include <plimsoll/base/time.hpp>
#include <plimsoll/net/loop.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace plimsoll::net {

class TimerQueue {
  public:
    using Callback = std::move_only_function<void()>;
    // Unique, and its order is the order of firing.
    using Key = std::pair<TimePoint, std::uint64_t>;

    struct Entry {
        Timer* owner = nullptr;
        bool holds_loop = true;
        Callback callback;
    };

    // O(log n), as is remove().
    std::uint64_t add(TimePoint when, Entry entry);
    bool remove(Key key);
    // The earliest entry if it is due at `now` and was armed before `before`, taken out of the
    // queue.
    std::optional<Entry> take_due(TimePoint now, std::uint64_t before);
    void clear();

    [[nodiscard]] std::optional<TimePoint> next() const;

    // Timers that keep the loop running.
    [[nodiscard]] std::size_t holding() const { return holding_; }

    // Ids are handed out in rising order; everything armed from now on has at least this one.
    [[nodiscard]] std::uint64_t next_id() const { return last_id_ + 1; }

  private:
    std::map<Key, Entry> entries_;
    std::uint64_t last_id_ = 0;
    std::size_t holding_ = 0;
};

}  // namespace plimsoll::net
