#include "proxy/hints.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>

namespace plimsoll::proxy {
namespace {

constexpr std::uint64_t kLongestWait = 30ULL * 24 * 3600;  // seconds

// The value of `name=value` among the comma-separated members of every field of that name; the last
// one counts.
std::optional<std::uint64_t> number_in(
    http::Fields const& fields, std::string_view field_name, std::string_view name
) {
    std::optional<std::uint64_t> found;
    for (auto const field : fields) {
        if (!iequals(field.name, field_name)) {
            continue;
        }
        for (std::string_view member : split(field.value, ',')) {
            member = trim(member.substr(0, member.find(';')));  // parameters mean nothing here
            auto const sign = member.find('=');
            if (sign != std::string_view::npos && iequals(trim(member.substr(0, sign)), name)) {
                found = parse_u64(trim(member.substr(sign + 1)));
            }
        }
    }
    return found;
}

}  // namespace

std::optional<core::Priority> priority_of(http::Fields const& fields) {
    auto const urgency = number_in(fields, "Priority", "u");
    if (!urgency || *urgency > 7) {
        return std::nullopt;
    }
    if (*urgency <= 2) {
        return core::Priority::High;
    }
    return *urgency <= 4 ? core::Priority::Normal : core::Priority::Low;
}

std::optional<Duration> patience_of(http::Fields const& fields) {
    std::optional<Duration> own;
    if (auto const text = fields.get("X-Plimsoll-Deadline")) {
        own = parse_duration(*text);
    }
    auto const wait = number_in(fields, "Prefer", "wait");
    if (!wait || *wait > kLongestWait) {
        return own;
    }
    Duration const preferred = std::chrono::seconds(*wait);
    return own ? std::min(*own, preferred) : preferred;
}

}  // namespace plimsoll::proxy
