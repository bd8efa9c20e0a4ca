#pragma once
// Which members of a request body matter, and how Go's decoder treats each.
// Private to http.

#include <plimsoll/http/members.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace plimsoll::http {

// What a later spelling does to an earlier one.
enum class Merge : std::uint8_t {
    Text,     // a Go string: null leaves what was there; anything but a string is an error for good
    Flag,     // a pointer to bool: null clears; anything but a bool is an error for good
    Options,  // a map: objects are merged, null clears; anything else is an error for good
    Any,      // null clears, the last wins
};

struct MemberName {
    std::string_view name;
    Merge merge;
    bool keeps_text;
    std::optional<Member> BodyMembers::* slot;
};

// `key` as it stands between its quotes. nullptr: a member that does not matter.
MemberName const* find_member_name(std::string_view key, bool plain);
MemberName const* find_member_name(std::string_view folded);

// The option's own spelling, in static storage; empty: an option that Ollama does not know and
// ignores.
std::string_view find_option_name(std::string_view key, bool plain);

}  // namespace plimsoll::http
