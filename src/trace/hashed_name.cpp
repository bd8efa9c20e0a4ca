#include <plimsoll/trace/recording.hpp>

#include <bit>

namespace plimsoll::trace {

namespace {

// SipHash-2-4 by Aumasson and Bernstein: short, and made for keyed hashes of short texts.
class SipHash {
  public:
    explicit SipHash(std::array<std::uint64_t, 2> const& key)
        : v_{key[0] ^ 0x736f6d6570736575ULL,
             key[1] ^ 0x646f72616e646f6dULL,
             key[0] ^ 0x6c7967656e657261ULL,
             key[1] ^ 0x7465646279746573ULL} {}

    std::uint64_t of(std::string_view text) {
        std::uint64_t word = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            word |= std::uint64_t{static_cast<unsigned char>(text[i])} << (8 * (i % 8));
            if (i % 8 == 7) {
                take(word);
                word = 0;
            }
        }
        take(word | std::uint64_t{text.size() & 0xFFU} << 56U);
        v_[2] ^= 0xFFU;
        rounds(4);
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

  private:
    void take(std::uint64_t word) {
        v_[3] ^= word;
        rounds(2);
        v_[0] ^= word;
    }

    void rounds(int count) {
        for (int i = 0; i < count; ++i) {
            v_[0] += v_[1];
            v_[2] += v_[3];
            v_[1] = std::rotl(v_[1], 13) ^ v_[0];
            v_[3] = std::rotl(v_[3], 16) ^ v_[2];
            v_[0] = std::rotl(v_[0], 32);
            v_[2] += v_[1];
            v_[0] += v_[3];
            v_[1] = std::rotl(v_[1], 17) ^ v_[2];
            v_[3] = std::rotl(v_[3], 21) ^ v_[0];
            v_[2] = std::rotl(v_[2], 32);
        }
    }

    std::array<std::uint64_t, 4> v_;
};

}  // namespace

std::string hashed_name(std::string_view name, std::array<std::uint64_t, 2> const& salt) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::uint64_t const hash = SipHash(salt).of(name);
    std::string out = "client-";
    for (int shift = 60; shift >= 0; shift -= 4) {
        out += kDigits[(hash >> static_cast<unsigned>(shift)) & 0xFU];
    }
    return out;
}

}  // namespace plimsoll::trace
