#include "net/buffer.hpp"

#include <algorithm>
#include <cstring>

namespace plimsoll::net {

void Buffer::consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) {
        begin_ = 0;
        end_ = 0;
    }
}

std::span<char> Buffer::prepare(std::size_t at_least) {
    if (capacity_ - end_ < at_least && begin_ > 0) {
        std::memmove(data_.get(), data_.get() + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }
    if (capacity_ - end_ < at_least) {
        std::size_t const wanted = std::max(end_ + at_least, capacity_ * 2);
        auto larger = std::make_unique_for_overwrite<char[]>(wanted);
        if (end_ > 0) {
            std::memcpy(larger.get(), data_.get(), end_);
        }
        data_ = std::move(larger);
        capacity_ = wanted;
    }
    return {data_.get() + end_, capacity_ - end_};
}

void Buffer::release() {
    data_.reset();
    begin_ = 0;
    end_ = 0;
    capacity_ = 0;
}

}  // namespace plimsoll::net
