#pragma once
// What the environment asks of a property test: PLIMSOLL_SEEDS worlds from seed
// PLIMSOLL_FIRST_SEED (default: --rng-seed), and the like.

#include <cstdint>
#include <cstdlib>

namespace plimsoll::test {

inline std::uint64_t from_environment(char const* name, std::uint64_t otherwise) {
    char const* const text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace plimsoll::test
