#pragma once
// Bytes read from a socket and not yet used. Contiguous; gives its memory back when it is empty and
// told to.

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace plimsoll::net {

class Buffer {
  public:
    [[nodiscard]] std::string_view view() const { return {data_.get() + begin_, end_ - begin_}; }

    [[nodiscard]] std::span<char> bytes() { return {data_.get() + begin_, end_ - begin_}; }

    [[nodiscard]] std::size_t size() const { return end_ - begin_; }

    [[nodiscard]] bool empty() const { return begin_ == end_; }

    // The memory behind consumed bytes stays as it is until the next prepare().
    void consume(std::size_t count);
    // Room behind the unread bytes, at least that much. Moves or grows what is there.
    std::span<char> prepare(std::size_t at_least);

    void commit(std::size_t count) { end_ += count; }

    void release();

  private:
    std::unique_ptr<char[]> data_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace plimsoll::net
