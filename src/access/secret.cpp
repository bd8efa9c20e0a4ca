// Secrets: made, hashed, found again.

#include <plimsoll/access/guard.hpp>
#include <plimsoll/access/key.hpp>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

namespace plimsoll::access {
namespace {

constexpr std::size_t kSecretBytes = 32;
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string base64url(std::span<unsigned char const> bytes) {
    std::string out;
    unsigned held = 0;
    int bits = 0;
    for (unsigned char const byte : bytes) {
        held = (held << 8U) | byte;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            out += kBase64Url[(held >> static_cast<unsigned>(bits)) & 63U];
        }
    }
    if (bits > 0) {
        out += kBase64Url[(held << static_cast<unsigned>(6 - bits)) & 63U];
    }
    return out;
}

std::optional<unsigned> hex_digit(char c) {
    auto const at = kHex.find(c);
    return at == std::string_view::npos ? std::nullopt
                                        : std::optional<unsigned>(static_cast<unsigned>(at));
}

}  // namespace

Result<std::string> make_secret() {
    std::array<unsigned char, kSecretBytes> random{};
    if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
        return fail(Errc::Io, "no random bytes are to be had from the system; no key was made");
    }
    auto secret = std::string(kSecretPrefix) + base64url(random);
    OPENSSL_cleanse(random.data(), random.size());
    return secret;
}

Digest digest_of(std::string_view secret) {
    Digest digest{};
    // The one-shot function cannot fail for bytes in memory.
    SHA256(reinterpret_cast<unsigned char const*>(secret.data()), secret.size(), digest.data());
    return digest;
}

std::string to_hex(Digest const& digest) {
    std::string out;
    for (unsigned char const byte : digest) {
        out += kHex[byte >> 4U];
        out += kHex[byte & 15U];
    }
    return out;
}

Result<Digest> parse_digest(std::string_view hex) {
    Digest digest{};
    bool is_right = hex.size() == 2 * digest.size();
    for (std::size_t i = 0; is_right && i < digest.size(); ++i) {
        auto const high = hex_digit(hex[2 * i]);
        auto const low = hex_digit(hex[(2 * i) + 1]);
        is_right = high && low;
        digest[i] = static_cast<unsigned char>((high.value_or(0) << 4U) | low.value_or(0));
    }
    if (!is_right) {
        return fail(
            Errc::Invalid,
            "a hash of a key is 64 hexadecimal digits in lower case; `plimsoll key hash` makes it"
        );
    }
    return digest;
}

std::optional<std::size_t> find_digest(std::span<Digest const> digests, std::string_view secret) {
    auto const digest = digest_of(secret);
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < digests.size(); ++i) {
        if (CRYPTO_memcmp(digests[i].data(), digest.data(), digest.size()) == 0) {
            found = i;  // and on: no early end
        }
    }
    return found;
}

}  // namespace plimsoll::access
