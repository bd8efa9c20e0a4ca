#pragma once
// Idle upstream connections, the latest used first. One that becomes readable while it idles has
// ended, or carries bytes that nobody asked for: either way it is closed and never used again.

#include "net/stream.hpp"

#include <plimsoll/net/loop.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace plimsoll::net {

class Pool {
  public:
    Pool(Loop& loop, std::size_t max_idle, Duration idle_limit);
    ~Pool();
    Pool(Pool const&) = delete;
    Pool& operator=(Pool const&) = delete;

    // Null: none that is still good.
    std::shared_ptr<Stream> take();
    void put(std::shared_ptr<Stream> stream);
    void clear();

    [[nodiscard]] std::size_t size() const { return idle_.size(); }

  private:
    struct Idle {
        std::shared_ptr<Stream> stream;
        TimePoint since;
    };

    void drop(Stream const* stream);
    void sweep();

    Loop& loop_;
    std::size_t max_idle_;
    Duration idle_limit_;
    std::vector<Idle> idle_;  // oldest first
    Timer sweeper_;
};

}  // namespace plimsoll::net
