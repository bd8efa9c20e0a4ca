#include "proxy/headers.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <array>

namespace plimsoll::proxy {
namespace {

// Credentials are for us alone: an upstream that follows a redirect or a registry's realm would
// carry them on. Accept-Encoding goes because a compressed answer could not be watched; the
// upstream never compresses anyway.
constexpr std::array<std::string_view, 10> kNotForUpstream{
    "authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "accept-encoding",
    "origin",
    "referer",
    "forwarded",
    "x-forwarded-host",
    "x-plimsoll-deadline"
};
constexpr std::array<std::string_view, 4> kOfTheBytes{
    "content-encoding", "content-md5", "digest", "content-digest"
};

bool is_one_of(std::string_view name, auto const& list) {
    return std::ranges::any_of(list, [&](std::string_view other) { return iequals(name, other); });
}

bool is_vary_of_cors(std::string_view value) {
    return iequals(value, "Origin") || istarts_with(value, "Access-Control-Request-");
}

}  // namespace

http::Fields upstream_fields(http::RequestHead const& head, bool body_changed) {
    http::EndToEnd const next_hop(head.fields);
    http::Fields out;
    out.reserve(head.fields.text_size() + head.host.size() + 64, head.fields.size() + 2);
    for (auto const field : head.fields) {
        if (!next_hop.keeps(field) || is_one_of(field.name, kNotForUpstream) ||
            (body_changed && is_one_of(field.name, kOfTheBytes))) {
            continue;
        }
        out.add(field.name, field.value);
    }
    if (!head.host.empty()) {
        out.add("X-Forwarded-Host", head.host);
    }
    out.add("Via", "1.1 plimsoll");  // RFC 9110 7.6.3: a gateway must, on the way to its origin
    return out;
}

std::string upstream_target(http::RequestHead const& head, bool sends_query) {
    auto target = http::encode_path(head.path);
    if (head.has_query && sends_query) {
        target += '?';
        target += head.query;
    }
    return target;
}

http::Fields client_fields(http::ResponseHead const& head) {
    http::EndToEnd const next_hop(head.fields);
    http::Fields out;
    out.reserve(head.fields.text_size() + 64, head.fields.size() + 4);  // and those that we add
    for (auto const field : head.fields) {
        if (!next_hop.keeps(field)) {
            continue;
        }
        bool const is_ours =
            iequals(field.name, "x-request-id") || istarts_with(field.name, "x-plimsoll-");
        bool const is_cors = istarts_with(field.name, "access-control-") ||
                             (iequals(field.name, "vary") && is_vary_of_cors(field.value));
        if (!is_ours && !is_cors) {
            out.add(field.name, field.value);
        }
    }
    return out;
}

}  // namespace plimsoll::proxy
