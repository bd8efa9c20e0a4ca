#include "net/frame_pool.hpp"

#include <plimsoll/net/task.hpp>

#include <new>
#include <utility>

namespace plimsoll::net {

namespace {

// It would not see a frame used after its end if the frame were kept here.
#if __has_feature(address_sanitizer)
constexpr bool kPools = false;
#else
constexpr bool kPools = true;
#endif

constexpr std::size_t rounded(std::size_t size) {
    return (size + FramePool::kStep - 1) / FramePool::kStep * FramePool::kStep;
}

}  // namespace

FramePool& FramePool::of_thread() {
    thread_local FramePool pool;
    return pool;
}

FramePool::~FramePool() {
    for (Free* list : lists_) {
        while (list != nullptr) {
            ::operator delete(std::exchange(list, list->next));
        }
    }
}

void* FramePool::take(std::size_t size) {
    if (size > kLargest) {
        return ::operator new(size);
    }
    std::size_t const whole = rounded(size);
    Free*& list = lists_[whole / kStep - 1];
    if (list == nullptr) {
        return ::operator new(whole);
    }
    kept_ -= whole;
    return std::exchange(list, list->next);
}

void FramePool::give(void* frame, std::size_t size) noexcept {
    std::size_t const whole = rounded(size);
    if (size > kLargest || kept_ + whole > kMaxKept) {
        ::operator delete(frame);
        return;
    }
    Free*& list = lists_[whole / kStep - 1];
    list = ::new (frame) Free{list};
    kept_ += whole;
}

void* PromiseBase::operator new(std::size_t size) {
    return kPools ? FramePool::of_thread().take(size) : ::operator new(size);
}

void PromiseBase::operator delete(void* frame, std::size_t size) noexcept {
    if (kPools) {
        FramePool::of_thread().give(frame, size);
    } else {
        ::operator delete(frame);
    }
}

}  // namespace plimsoll::net
