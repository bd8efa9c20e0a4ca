#pragma once
// Catch2 2.13 (Debian 12) and 3 behind one header; see docs/decisions/0006. Test files include only
// this.

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Matchers::ContainsSubstring;
#else
#include <catch2/catch.hpp>

inline auto ContainsSubstring(std::string const& text) {
    return Catch::Matchers::Contains(text);
}
#endif

#include <cstdint>

namespace plimsoll::test {

// Seed of this run: --rng-seed, else Catch's own. Random tests CAPTURE it.
std::uint64_t run_seed();

}  // namespace plimsoll::test
