// What a key is for: names, roles and patterns of models.

#include <plimsoll/access/key.hpp>
#include <plimsoll/base/glob.hpp>
#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <algorithm>

namespace plimsoll::access {
namespace {

constexpr std::string_view kLatest = ":latest";
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestPattern = 256;

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

}  // namespace

std::string_view to_string(Role role) {
    switch (role) {
        case Role::Inference:
            return "inference";
        case Role::Operator:
            return "operator";
        case Role::Admin:
            break;
    }
    return "admin";
}

bool is_key_name(std::string_view text) {
    return !text.empty() && text.size() <= kLongestName && std::ranges::all_of(text, is_name_char);
}

bool is_model_pattern(std::string_view text) {
    return !text.empty() && text.size() <= kLongestPattern &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

bool matches_model(std::string_view pattern, std::string_view model) {
    auto const name = ModelName::parse(model);
    if (!name) {
        return false;
    }
    if (pattern == "*") {
        return true;
    }
    auto const wanted = to_lower(pattern);
    auto const full = to_lower(name->short_name());
    if (matches_glob(wanted, full, '/')) {
        return true;
    }
    std::string_view bare = full;
    if (!bare.ends_with(kLatest)) {
        return false;
    }
    bare.remove_suffix(kLatest.size());
    return matches_glob(wanted, bare, '/');
}

bool is_for_model(Key const& key, std::string_view model) {
    return key.models.empty() || std::ranges::any_of(key.models, [&](auto const& pattern) {
               return matches_model(pattern, model);
           });
}

}  // namespace plimsoll::access
