#pragma once
// A small generator of our own (splitmix64), so that a seed means the same world with every
// standard library.

#include <plimsoll/base/time.hpp>

#include <cstdint>

namespace plimsoll::test {

class Rng {
  public:
    explicit Rng(std::uint64_t seed)
        : state_(seed * 0x9E3779B97F4A7C15ULL + 0x2545F4914F6CDD1DULL) {}

    std::uint64_t next() {
        state_ += 0x9E3779B97F4A7C15ULL;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31U);
    }

    std::uint64_t below(std::uint64_t n) { return next() % n; }

    double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

    double between(double low, double high) { return low + (high - low) * unit(); }

    bool chance(double p) { return unit() < p; }

    Duration seconds(double low, double high) { return from_seconds(between(low, high)); }

  private:
    std::uint64_t state_;
};

}  // namespace plimsoll::test
