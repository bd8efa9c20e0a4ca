#pragma once
// Memory of coroutine frames. A request runs through some twenty coroutines, most of them short,
// and always of the same few sizes: what one gives back the next one takes.

#include <array>
#include <cstddef>

namespace plimsoll::net {

// One per thread. Takes and gives from lists by size; what is larger than kLargest or more than
// kMaxKept bytes in all goes to the ordinary heap. Under AddressSanitizer coroutines do without.
class FramePool {
  public:
    static FramePool& of_thread();

    FramePool() = default;
    ~FramePool();
    FramePool(FramePool const&) = delete;
    FramePool& operator=(FramePool const&) = delete;

    void* take(std::size_t size);
    void give(void* frame, std::size_t size) noexcept;

    [[nodiscard]] std::size_t kept() const { return kept_; }

    static constexpr std::size_t kStep = 64;
    static constexpr std::size_t kLargest = 4096;
    static constexpr std::size_t kMaxKept = std::size_t{256} * 1024;

  private:
    struct Free {
        Free* next;
    };

    std::array<Free*, kLargest / kStep> lists_{};
    std::size_t kept_ = 0;
};

}  // namespace plimsoll::net
