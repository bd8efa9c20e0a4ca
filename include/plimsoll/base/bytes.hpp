#pragma once
// A count of bytes as a type, so that MiB, tokens and bytes cannot be mixed up. Value type, any
// thread.

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll {

class Bytes {
  public:
    constexpr Bytes() = default;

    constexpr explicit Bytes(std::uint64_t count) : count_(count) {}

    [[nodiscard]] constexpr std::uint64_t count() const { return count_; }

    [[nodiscard]] constexpr bool is_zero() const { return count_ == 0; }

    constexpr auto operator<=>(Bytes const&) const = default;

    // Sums stop at the largest value instead of wrapping: a wrapped sum would look like free room.
    constexpr Bytes operator+(Bytes other) const {
        return Bytes(count_ > kMax - other.count_ ? kMax : count_ + other.count_);
    }

    // Differences stop at zero for the same reason.
    constexpr Bytes operator-(Bytes other) const {
        return Bytes(count_ < other.count_ ? 0 : count_ - other.count_);
    }

    constexpr Bytes& operator+=(Bytes other) { return *this = *this + other; }

    constexpr Bytes& operator-=(Bytes other) { return *this = *this - other; }

    // factor >= 0; rounds up.
    [[nodiscard]] Bytes scaled(double factor) const;

  private:
    static constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t count_ = 0;
};

constexpr Bytes kibibytes(std::uint64_t n) {
    return Bytes(n << 10);
}

constexpr Bytes mebibytes(std::uint64_t n) {
    return Bytes(n << 20);
}

constexpr Bytes gibibytes(std::uint64_t n) {
    return Bytes(n << 30);
}

// "22GiB", "512 MiB", "1.5g", "1024" (bytes); GB/MB/KB are powers of 1000, GiB/MiB/KiB and the bare
// letters g/m/k powers of 1024, as GPU tools and Ollama users write them. nullopt: not a size, or
// above 2^63.
std::optional<Bytes> parse_bytes(std::string_view text);

// For people: "21.5 GiB", "300 MiB", "17 bytes".
std::string format_bytes(Bytes bytes);
// For log lines that are compared by eye: whole MiB, rounded up: "22000 MiB".
std::string format_mib(Bytes bytes);

}  // namespace plimsoll
