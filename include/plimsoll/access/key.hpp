#pragma once
// Keys: who may call, how a secret is made and told again, and for which models it is good. Pure
// values; any thread. docs/security.md says what each role may do.

#include <plimsoll/base/result.hpp>
#include <plimsoll/core/types.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::access {

// Each may what those before it may.
enum class Role : std::uint8_t { Inference, Operator, Admin };

std::string_view to_string(Role role);

struct Key {
    std::string name{};  // for people, logs and the queue: is_key_name()
    std::string hash{};  // SHA-256 of the secret, 64 hex digits in lower case
    Role role = Role::Inference;
    std::vector<std::string> models{};         // patterns, see matches_model(); empty: every model
    std::optional<core::Priority> priority{};  // of its requests, and the highest that they may ask
    std::uint32_t requests_per_minute = 0;     // in any 60 s; 0: no limit
    std::uint32_t max_concurrent = 0;          // requests at a time; 0: no limit

    bool operator==(Key const&) const = default;
};

inline constexpr std::string_view kSecretPrefix = "plk_";

// A new secret: the prefix and 43 characters (base64url) of 256 random bits. Error Io: the system
// has no randomness to give.
Result<std::string> make_secret();

using Digest = std::array<unsigned char, 32>;

Digest digest_of(std::string_view secret);
std::string to_hex(Digest const& digest);
// Error Invalid: not 64 hex digits.
Result<Digest> parse_digest(std::string_view hex);

// One to 64 letters, digits, '.', '_' and '-'.
bool is_key_name(std::string_view text);
// Not empty, at most 256 visible ASCII characters.
bool is_model_pattern(std::string_view text);

// Whether the pattern is for the model, under any spelling of its name: "qwen3:8b",
// "registry.ollama.ai/library/qwen3:8b" and "QWEN3:8B" are one. '*' stands for any text without a
// '/'; "*" alone is for every model; a pattern without a tag also means ":latest". A text that is
// no model name matches nothing.
bool matches_model(std::string_view pattern, std::string_view model);
// Whether a key is for the model.
bool is_for_model(Key const& key, std::string_view model);

}  // namespace plimsoll::access
