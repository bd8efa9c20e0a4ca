#include "net/pool.hpp"

#include <algorithm>
#include <utility>

namespace plimsoll::net {

Pool::Pool(Loop& loop, std::size_t max_idle, Duration idle_limit)
    : loop_(loop), max_idle_(max_idle), idle_limit_(idle_limit), sweeper_(loop, false) {}

Pool::~Pool() {
    clear();
}

std::shared_ptr<Stream> Pool::take() {
    while (!idle_.empty()) {
        auto stream = std::move(idle_.back().stream);
        idle_.pop_back();
        stream->unwatch();
        // The watcher may not have had its turn yet.
        if (stream->peek() == Peek::Nothing) {
            return stream;
        }
        stream->close();
    }
    return nullptr;
}

void Pool::put(std::shared_ptr<Stream> stream) {
    if (max_idle_ == 0) {
        stream->close();
        return;
    }
    if (idle_.size() >= max_idle_) {
        idle_.front().stream->close();
        idle_.erase(idle_.begin());
    }
    stream->watch([this, raw = stream.get()] { drop(raw); });
    idle_.push_back({.stream = std::move(stream), .since = loop_.now()});
    if (!sweeper_.is_armed()) {
        sweep();
    }
}

void Pool::drop(Stream const* stream) {
    auto const found = std::ranges::find_if(idle_, [stream](Idle const& idle) {
        return idle.stream.get() == stream;
    });
    if (found != idle_.end()) {
        found->stream->close();
        idle_.erase(found);
    }
}

void Pool::clear() {
    sweeper_.cancel();
    for (auto& idle : std::exchange(idle_, {})) {
        idle.stream->close();
    }
}

void Pool::sweep() {
    TimePoint const now = loop_.now();
    while (!idle_.empty() && deadline_after(idle_.front().since, idle_limit_) <= now) {
        idle_.front().stream->close();
        idle_.erase(idle_.begin());
    }
    TimePoint const next =
        idle_.empty() ? kNever : deadline_after(idle_.front().since, idle_limit_);
    if (next != kNever) {
        sweeper_.arm(next, [this] { sweep(); });
    }
}

}  // namespace plimsoll::net
