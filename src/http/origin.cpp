#include "http/chars.hpp"

#include <plimsoll/base/glob.hpp>
#include <plimsoll/base/text.hpp>
#include <plimsoll/http/origin.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace plimsoll::http {

namespace {

std::string_view without_port(std::string_view authority) {
    if (authority.starts_with('[')) {
        auto const end = authority.find(']');
        return end == std::string_view::npos ? authority : authority.substr(1, end - 1);
    }
    return authority.substr(0, authority.find(':'));
}

bool is_local_ipv4(std::array<std::uint8_t, 4> const& a) {
    bool const unspecified = a[0] == 0 && a[1] == 0 && a[2] == 0 && a[3] == 0;
    return unspecified || a[0] == 127 || a[0] == 10 || (a[0] == 172 && (a[1] & 0xF0U) == 16) ||
           (a[0] == 192 && a[1] == 168);
}

bool is_local_ipv6(std::array<std::uint8_t, 16> const& a) {
    static constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (std::equal(kMapped.begin(), kMapped.end(), a.begin())) {
        return is_local_ipv4({a[12], a[13], a[14], a[15]});
    }
    bool const zeros = std::all_of(a.begin(), a.end() - 1, [](std::uint8_t b) { return b == 0; });
    bool const unique_local = (a[0] & 0xFEU) == 0xFC;
    return (zeros && a[15] <= 1) || unique_local;
}

// Loopback, private or unspecified. A web page of a stranger is never served from such an address.
bool is_local_address(std::string const& host) {
    std::array<std::uint8_t, 4> v4{};
    if (inet_pton(AF_INET, host.c_str(), v4.data()) == 1) {
        return is_local_ipv4(v4);
    }
    std::array<std::uint8_t, 16> v6{};
    return inet_pton(AF_INET6, host.c_str(), v6.data()) == 1 && is_local_ipv6(v6);
}

bool matches_any(std::vector<std::string> const& patterns, std::string_view text) {
    return std::ranges::any_of(patterns, [&](std::string const& pattern) {
        return matches_glob(to_lower(pattern), text);
    });
}

constexpr std::array<std::string_view, 5> kAppSchemes{
    "app://", "file://", "tauri://", "vscode-webview://", "vscode-file://"
};
constexpr std::array<std::string_view, 3> kLocalNames{"localhost", "127.0.0.1", "0.0.0.0"};

// http or https, one of the local names, any port.
bool is_local_page(std::string_view origin) {
    auto const begin = origin.find("://");
    if (begin == std::string_view::npos ||
        (origin.substr(0, begin) != "http" && origin.substr(0, begin) != "https")) {
        return false;
    }
    auto const authority = origin.substr(begin + 3);
    auto const colon = authority.find(':');
    auto const name = authority.substr(0, colon);
    auto const port =
        colon == std::string_view::npos ? std::string_view{} : authority.substr(colon + 1);
    return std::ranges::find(kLocalNames, name) != kLocalNames.end() && all_of_class(port, kDigit);
}

bool is_own_page(std::string_view origin, std::string_view host) {
    return !host.empty() &&
           (origin == "http://" + std::string(host) || origin == "https://" + std::string(host));
}

constexpr std::string_view kPreflightHeaders =
    "Authorization,Content-Type,User-Agent,Accept,X-Requested-With,Openai-Beta,X-Stainless-Arch,"
    "X-Stainless-Async,X-Stainless-Custom-Poll-Interval,X-Stainless-Helper-Method,X-Stainless-Lang,"
    "X-Stainless-Os,X-Stainless-Package-Version,X-Stainless-Poll-Helper,X-Stainless-Retry-Count,"
    "X-Stainless-Runtime,X-Stainless-Runtime-Version,X-Stainless-Timeout";

}  // namespace

bool is_host_allowed(OriginPolicy const& policy, std::string_view host) {
    if (!policy.check_host) {
        return true;
    }
    auto const authority = to_lower(host);
    std::string const name(without_port(authority));
    if (name.empty() || name == "localhost" ||
        (!policy.machine_name.empty() && iequals(name, policy.machine_name))) {
        return true;
    }
    for (std::string_view const suffix : {".localhost", ".local", ".internal"}) {
        if (name.ends_with(suffix)) {
            return true;
        }
    }
    return is_local_address(name) || matches_any(policy.allowed_hosts, name) ||
           matches_any(policy.allowed_hosts, authority);
}

OriginDecision check_origin(OriginPolicy const& policy, RequestHead const& head) {
    auto const sent = head.fields.get("origin");
    if (!sent) {
        return {.allowed = true, .cors = false};
    }
    if (head.fields.count("origin") > 1) {
        return {.allowed = false, .cors = false};
    }
    auto const origin = to_lower(*sent);
    if (is_own_page(origin, to_lower(head.host))) {
        return {.allowed = true, .cors = false};
    }
    bool const is_app = std::ranges::any_of(kAppSchemes, [&](std::string_view scheme) {
        return origin.starts_with(scheme);
    });
    bool const allowed =
        is_app || is_local_page(origin) || matches_any(policy.allowed_origins, origin);
    return {.allowed = allowed, .cors = allowed};
}

std::optional<Reply> preflight_reply(RequestHead const& head, std::string_view allow) {
    auto const origin = head.fields.get("origin");
    if (head.method != Method::Options || !origin ||
        !head.fields.get("access-control-request-method")) {
        return std::nullopt;
    }
    Reply reply{204, {}, {}};
    auto& fields = reply.fields;
    fields.add("Access-Control-Allow-Headers", kPreflightHeaders);
    fields.add("Access-Control-Allow-Methods", "GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS");
    fields.add("Access-Control-Allow-Origin", *origin);
    fields.add("Access-Control-Max-Age", "43200");
    if (!allow.empty()) {
        fields.add("Allow", allow);
    }
    fields.add("Vary", "Origin");
    fields.add("Vary", "Access-Control-Request-Method");
    fields.add("Vary", "Access-Control-Request-Headers");
    return reply;
}

void add_cors(Fields& answer, std::string_view origin) {
    answer.set("Access-Control-Allow-Origin", origin);
    answer.add("Vary", "Origin");
}

}  // namespace plimsoll::http
