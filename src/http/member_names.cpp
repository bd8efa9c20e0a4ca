#include "http/member_names.hpp"

#include "http/chars.hpp"
#include "http/json_scanner.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace plimsoll::http {

namespace {

constexpr std::array<MemberName, 18> kMembers{{
    {"model", Merge::Text, true, &BodyMembers::model},
    {"name", Merge::Text, true, &BodyMembers::name},
    {"source", Merge::Text, true, &BodyMembers::source},
    {"destination", Merge::Text, true, &BodyMembers::destination},
    {"from", Merge::Text, true, &BodyMembers::from},
    {"stream", Merge::Flag, true, &BodyMembers::stream},
    {"keep_alive", Merge::Any, true, &BodyMembers::keep_alive},
    {"shift", Merge::Flag, true, &BodyMembers::shift},
    {"prompt", Merge::Text, false, &BodyMembers::prompt},
    {"messages", Merge::Any, false, &BodyMembers::messages},
    {"input", Merge::Any, false, &BodyMembers::input},
    {"images", Merge::Any, false, &BodyMembers::images},
    {"suffix", Merge::Text, false, &BodyMembers::suffix},
    {"think", Merge::Any, false, &BodyMembers::think},
    {"format", Merge::Any, false, &BodyMembers::format},
    {"tools", Merge::Any, false, &BodyMembers::tools},
    {"truncate", Merge::Any, false, &BodyMembers::truncate},
    {"options", Merge::Options, false, &BodyMembers::options},
}};

// Case-sensitive, unlike the members around them.
constexpr std::array<std::string_view, 29> kOptions{
    "num_ctx",
    "num_batch",
    "num_gpu",
    "main_gpu",
    "use_mmap",
    "num_thread",
    "draft_num_predict",
    "use_mlock",
    "low_vram",
    "f16_kv",
    "logits_all",
    "vocab_only",
    "numa",
    "num_keep",
    "seed",
    "num_predict",
    "top_k",
    "top_p",
    "min_p",
    "typical_p",
    "tfs_z",
    "repeat_last_n",
    "temperature",
    "repeat_penalty",
    "presence_penalty",
    "frequency_penalty",
    "mirostat",
    "penalize_newline",
    "stop",
};

constexpr std::size_t kLongestName = 17;
// Each character may be spelt as a six byte escape.
constexpr std::size_t kLongestKey = 6 * kLongestName;

// Go folds by Unicode; only two code points beyond ASCII fold to ASCII letters.
constexpr std::string_view kLongS = "\xC5\xBF";       // U+017F
constexpr std::string_view kKelvin = "\xE2\x84\xAA";  // U+212A

// False: holds something that no name of ours folds to.
bool fold(std::string_view key, std::array<char, kLongestName>& out, std::size_t& size) {
    size = 0;
    while (!key.empty()) {
        char c = lower(key.front());
        std::size_t taken = 1;
        if (key.starts_with(kLongS)) {
            c = 's';
            taken = kLongS.size();
        } else if (key.starts_with(kKelvin)) {
            c = 'k';
            taken = kKelvin.size();
        } else if (static_cast<unsigned char>(c) >= 0x80) {
            return false;
        }
        if (size == out.size()) {
            return false;
        }
        out[size++] = c;
        key.remove_prefix(taken);
    }
    return true;
}

}  // namespace

MemberName const* find_member_name(std::string_view folded) {
    for (auto const& member : kMembers) {
        if (member.name == folded) {
            return &member;
        }
    }
    return nullptr;
}

MemberName const* find_member_name(std::string_view key, bool plain) {
    if (key.size() > kLongestKey) {
        return nullptr;
    }
    std::array<char, kLongestName> folded{};
    std::size_t size = 0;
    bool const fits = plain ? fold(key, folded, size) : fold(decode_json_string(key), folded, size);
    return fits ? find_member_name(std::string_view(folded.data(), size)) : nullptr;
}

std::string_view find_option_name(std::string_view key, bool plain) {
    if (key.size() > kLongestKey) {
        return {};
    }
    std::string decoded;
    if (!plain) {
        decoded = decode_json_string(key);
        key = decoded;
    }
    auto const* const found = std::ranges::find(kOptions, key);
    return found == kOptions.end() ? std::string_view{} : *found;
}

}  // namespace plimsoll::http
