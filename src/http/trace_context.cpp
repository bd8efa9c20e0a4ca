// https://www.w3.org/TR/trace-context/#traceparent-header

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/trace_context.hpp>

#include <algorithm>
#include <cstddef>

namespace plimsoll::http {
namespace {

constexpr std::size_t kVersionEnd = 2;
constexpr std::size_t kTraceEnd = 35;
constexpr std::size_t kParentEnd = 52;
constexpr std::size_t kLength = 55;  // of version 00; a later one may be longer

// Lower case only, as the recommendation says.
bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

bool is_zero(std::string_view text) {
    return text.find_first_not_of('0') == std::string_view::npos;
}

bool is_traceparent(std::string_view text) {
    if (text.size() < kLength || text[kVersionEnd] != '-' || text[kTraceEnd] != '-' ||
        text[kParentEnd] != '-') {
        return false;
    }
    auto const version = text.substr(0, kVersionEnd);
    auto const trace = text.substr(kVersionEnd + 1, 32);
    auto const parent = text.substr(kTraceEnd + 1, 16);
    if (!is_hex(version) || version == "ff" || !is_hex(trace) || is_zero(trace) ||
        !is_hex(parent) || is_zero(parent) || !is_hex(text.substr(kParentEnd + 1, 2))) {
        return false;
    }
    return text.size() == kLength || (version != "00" && text[kLength] == '-');
}

// Empty: absent, there twice or malformed.
std::string_view traceparent(Fields const& fields) {
    std::string_view found;
    for (auto const field : fields) {
        if (!iequals(field.name, "traceparent")) {
            continue;
        }
        if (!found.empty() || !is_traceparent(field.value)) {
            return {};
        }
        found = field.value;
    }
    return found;
}

}  // namespace

TraceContext read_trace_context(Fields const& fields) {
    auto const parent = traceparent(fields);
    if (parent.empty()) {
        return {};
    }
    return {std::string(parent), std::string(fields.get("tracestate").value_or(""))};
}

std::string_view trace_id(Fields const& fields) {
    auto const parent = traceparent(fields);
    return parent.empty() ? parent : parent.substr(kVersionEnd + 1, 32);
}

}  // namespace plimsoll::http
