#pragma once
// A whole request body, held once in one contiguous block. Growth uses realloc, which moves large
// blocks by remapping pages instead of copying them, so the peak stays at the body's own size.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace plimsoll::net {

class Body {
  public:
    Body() = default;
    ~Body();
    Body(Body&& other) noexcept;
    Body& operator=(Body&& other) noexcept;
    Body(Body const&) = delete;
    Body& operator=(Body const&) = delete;

    void reserve(std::size_t size);
    void append(std::string_view bytes);
    // Room to read into; commit() says how much was filled.
    [[nodiscard]] std::span<char> prepare(std::size_t at_least);
    void commit(std::size_t size);
    void clear();

    [[nodiscard]] std::string_view view() const { return {data_, size_}; }

    [[nodiscard]] std::size_t size() const { return size_; }

    [[nodiscard]] std::size_t capacity() const { return capacity_; }

  private:
    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace plimsoll::net
