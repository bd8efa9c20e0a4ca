#include "net/timer_queue.hpp"

namespace plimsoll::net {

std::uint64_t TimerQueue::add(TimePoint when, Entry entry) {
    holding_ += entry.holds_loop ? 1 : 0;
    entries_.emplace(Key(when, ++last_id_), std::move(entry));
    return last_id_;
}

bool TimerQueue::remove(Key key) {
    auto const found = entries_.find(key);
    if (found == entries_.end()) {
        return false;
    }
    holding_ -= found->second.holds_loop ? 1 : 0;
    // The callback may own things whose destructors come back to this queue, so it dies after the
    // node is out.
    auto const node = entries_.extract(found);
    return true;
}

std::optional<TimerQueue::Entry> TimerQueue::take_due(TimePoint now, std::uint64_t before) {
    // Skipping what was armed meanwhile keeps a callback that re-arms itself for "now" from
    // starving the sockets.
    for (auto it = entries_.begin(); it != entries_.end() && it->first.first <= now; ++it) {
        if (it->first.second < before) {
            holding_ -= it->second.holds_loop ? 1 : 0;
            auto node = entries_.extract(it);
            return std::move(node.mapped());
        }
    }
    return std::nullopt;
}

void TimerQueue::clear() {
    holding_ = 0;
    auto const dropped = std::exchange(entries_, {});
}

std::optional<TimePoint> TimerQueue::next() const {
    if (entries_.empty()) {
        return std::nullopt;
    }
    return entries_.begin()->first.first;
}

}  // namespace plimsoll::net
