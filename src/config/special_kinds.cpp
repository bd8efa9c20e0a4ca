#include "config/special_kinds.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <system_error>
#include <utility>

namespace plimsoll::config {

namespace {

constexpr std::uint32_t kLeastContext = 4;           // the upstream raises anything lower to this
constexpr std::uint32_t kMostContext = 100'000'000;  // ten times the largest trained context known

constexpr std::size_t kMostSocketPath = 107;  // bytes that the kernel has room for

bool is_host_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

bool is_ipv6_char(char c) {
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') || c == ':' ||
           c == '.';
}

// "host:port" or "[v6]:port"; nullopt: neither. `fallback` is the port of a text without one.
std::optional<Authority> parse_authority(
    std::string_view text, std::optional<std::uint16_t> fallback
) {
    Authority out;
    std::string_view rest;
    if (text.starts_with('[')) {
        std::size_t const end = text.find(']');
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        out.host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
        if (!out.host.contains(':') || !std::ranges::all_of(out.host, is_ipv6_char)) {
            return std::nullopt;
        }
    } else {
        std::size_t const colon = std::min(text.find(':'), text.size());
        out.host = text.substr(0, colon);
        rest = text.substr(colon);
        if (out.host.empty() || !std::ranges::all_of(out.host, is_host_char)) {
            return std::nullopt;
        }
    }
    if (rest.empty() && fallback) {
        out.port = *fallback;
        return out;
    }
    if (!rest.starts_with(':')) {
        return std::nullopt;
    }
    std::optional<std::uint64_t> const port = parse_u64(rest.substr(1));
    if (!port || *port > 65535) {
        return std::nullopt;
    }
    out.port = static_cast<std::uint16_t>(*port);
    return out;
}

std::optional<std::string> read_budget(Value const& value, Budget& out) {
    std::string_view const word =
        value.text() == nullptr ? std::string_view() : trim(*value.text());
    if (iequals(word, "auto")) {
        out = {};
        return std::nullopt;
    }
    if (word.ends_with('%')) {
        std::string_view const digits = trim(word.substr(0, word.size() - 1));
        double percent = 0;
        auto const parsed = std::from_chars(digits.begin(), digits.end(), percent);
        if (parsed.ec != std::errc() || parsed.ptr != digits.end() ||
            !(percent > 0 && percent <= 100)) {
            return fmt::format("{} is not a share; write \"1%\" to \"100%\"", quote(value));
        }
        out = {.kind = Budget::Kind::Percent, .bytes = {}, .percent = percent};
        return std::nullopt;
    }
    std::optional<Bytes> const bytes = to_size(value);
    if (!bytes) {
        return is_not(value, "a budget") + "; write \"22GiB\", \"90%\" or \"auto\"";
    }
    if (*bytes < mebibytes(1)) {
        return fmt::format(
            "{} is too small: no model takes less than 1 MiB; write \"22GiB\"", quote(value)
        );
    }
    out = {.kind = Budget::Kind::Absolute, .bytes = *bytes, .percent = 0};
    return std::nullopt;
}

// A context, or one of some words.
Form number_or(std::vector<std::string_view> const& words) {
    auto const number = detail::whole_form(kLeastContext, kMostContext);
    auto const word = detail::choice_form(words);
    return {
        fmt::format("{}, or {}", number.words, word.words),
        {{"anyOf", {number.schema, word.schema}}}
    };
}

std::optional<std::string> read_listen(
    Value const& value, std::string& address, std::uint16_t& port
) {
    constexpr std::string_view kHow =
        "; write \"127.0.0.1:11435\", \"[::1]:11435\", \"0.0.0.0:11435\" or \"unix:/path\"";
    std::string_view const word =
        value.text() == nullptr ? std::string_view() : trim(*value.text());
    if (auto const path = net::unix_path(word)) {
        if (!path->starts_with('/') || path->size() > kMostSocketPath || path->contains('\0')) {
            return fmt::format(
                "{} is not the place of a socket; write \"unix:\" and an absolute path of at most "
                "{} bytes",
                quote(value),
                kMostSocketPath
            );
        }
        address = word;
        port = 0;
        return std::nullopt;
    }
    std::optional<Authority> const parsed = parse_authority(word, std::nullopt);
    if (!parsed) {
        return is_not(value, "an address with a port").append(kHow);
    }
    address = parsed->host;
    port = parsed->port;
    return std::nullopt;
}

std::string listen_literal(std::string const& address, std::uint16_t port) {
    if (net::unix_path(address)) {
        return toml_string(address);
    }
    return address.contains(':') ? fmt::format("\"[{}]:{}\"", address, port)
                                 : fmt::format("\"{}:{}\"", address, port);
}

bool is_minus_one(Value const& value) {
    std::int64_t const* const number = std::get_if<std::int64_t>(&value.data);
    std::string const* const text = value.text();
    return (number != nullptr && *number < 0) ||
           (text != nullptr && (trim(*text) == "-1" || iequals(trim(*text), "forever")));
}

}  // namespace

std::optional<Authority> authority_of(std::string_view url) {
    bool const is_tls = istarts_with(url, "https://");
    if (!is_tls && !istarts_with(url, "http://")) {
        return std::nullopt;
    }
    url.remove_prefix(is_tls ? 8 : 7);
    if (url.ends_with('/')) {
        url.remove_suffix(1);
    }
    return parse_authority(url, is_tls ? 443 : 80);
}

Kind listen_address(std::string& address, std::uint16_t& port) {
    return {
        [&address, &port](Value const& value) { return read_listen(value, address, port); },
        [&address, &port] { return listen_literal(address, port); },
        {"ADDRESS:PORT or unix:/PATH", {{"type", "string"}, {"pattern", "^unix:/|:[0-9]+$"}}},
    };
}

Kind optional_listen_address(std::string& address, std::uint16_t& port) {
    return {
        [&address, &port](Value const& value) -> std::optional<std::string> {
            if (value.text() != nullptr && trim(*value.text()).empty()) {
                address.clear();
                port = 0;
                return std::nullopt;
            }
            return read_listen(value, address, port);
        },
        [&address, &port] { return address.empty() ? "\"\"" : listen_literal(address, port); },
        {"ADDRESS:PORT, unix:/PATH, or empty",
         {{"type", "string"}, {"pattern", "^$|^unix:/|:[0-9]+$"}}},
    };
}

Kind budget(Budget& out) {
    return {
        [&out](Value const& value) { return read_budget(value, out); },
        [&out] {
            switch (out.kind) {
                case Budget::Kind::Auto:
                    return std::string("\"auto\"");
                case Budget::Kind::Percent:
                    return fmt::format("\"{}%\"", out.percent);
                case Budget::Kind::Absolute:
                    break;
            }
            return size_literal(out.bytes);
        },
        {"bytes, a share such as \"90%\", or \"auto\"", {{"type", {"string", "integer"}}}},
    };
}

Kind http_url(std::string& out) {
    auto kind = text(out, [](std::string_view url) -> std::optional<std::string> {
        if (!authority_of(url) || authority_of(url)->port == 0) {
            return "the address of a server; write \"http://host:port\" or \"https://host:port\", "
                   "without a path";
        }
        return std::nullopt;
    });
    kind.form = {
        "http://HOST:PORT or https://HOST:PORT",
        {{"type", "string"}, {"pattern", "^[Hh][Tt][Tt][Pp][Ss]?://"}}
    };
    return kind;
}

Kind keep_alive(Duration& out, bool& forever) {
    return {
        [&out, &forever](Value const& value) -> std::optional<std::string> {
            if (is_minus_one(value)) {
                forever = true;
                return std::nullopt;
            }
            std::optional<Duration> const duration = to_duration(value);
            if (!duration) {
                return is_not(value, "a time to stay; write \"5m\", \"0s\" or \"forever\"");
            }
            out = *duration;
            forever = false;
            return std::nullopt;
        },
        [&out, &forever] { return forever ? "\"forever\"" : duration_literal(out); },
        {"a time, or \"forever\"", {{"type", {"string", "number"}}}},
    };
}

Kind pause(Duration& out, Duration least, Duration most) {
    return {
        [&out, least, most](Value const& value) -> std::optional<std::string> {
            std::optional<Duration> const duration = to_duration(value);
            if (!duration) {
                return is_not(value, "a duration") +
                       "; write for example \"15s\", or \"0s\" for off";
            }
            bool const is_off = *duration == Duration{};
            if (!is_off && (*duration < least || *duration > most)) {
                return fmt::format(
                    "{} is out of range; it must be {} to {}, or 0 for off",
                    quote(value),
                    format_duration(least),
                    format_duration(most)
                );
            }
            out = *duration;
            return std::nullopt;
        },
        [&out] { return duration_literal(out); },
        {fmt::format("a time, {} to {}, or 0", format_duration(least), format_duration(most)),
         {{"type", {"string", "number"}}}},
    };
}

Kind default_num_ctx(std::uint32_t& out, bool& is_known) {
    return {
        [&out, &is_known](Value const& value) -> std::optional<std::string> {
            if (value.text() != nullptr && iequals(trim(*value.text()), "auto")) {
                is_known = false;
                return std::nullopt;
            }
            if (value.text() != nullptr && !value.is_untyped()) {
                return is_not(
                    value, "a number of tokens or \"auto\"; write numbers without quotes"
                );
            }
            auto wrong = whole(out, kLeastContext, kMostContext).read(value);
            is_known = is_known || !wrong;
            return wrong;
        },
        [&out, &is_known] { return is_known ? std::to_string(out) : "\"auto\""; },
        number_or({"auto"}),
    };
}

Kind context_policy(engine::ModelPolicy& out) {
    return {
        [&out](Value const& value) -> std::optional<std::string> {
            std::string const word =
                value.text() == nullptr ? std::string() : to_lower(trim(*value.text()));
            if (word == "fit") {
                out.context = engine::ContextPolicy::Fit;
                return std::nullopt;
            }
            if (word == "client") {
                out.context = engine::ContextPolicy::Client;
                return std::nullopt;
            }
            if (value.text() != nullptr) {
                return is_not(
                    value, "a number of tokens, \"fit\" or \"client\"; write numbers without quotes"
                );
            }
            auto wrong = whole(out.num_ctx, kLeastContext, kMostContext).read(value);
            if (!wrong) {
                out.context = engine::ContextPolicy::Fixed;
            }
            return wrong;
        },
        [&out] {
            switch (out.context) {
                case engine::ContextPolicy::Fixed:
                    return std::to_string(out.num_ctx);
                case engine::ContextPolicy::Fit:
                    return std::string("\"fit\"");
                case engine::ContextPolicy::Client:
                    break;
            }
            return std::string("\"client\"");
        },
        number_or({"fit", "client"}),
    };
}

std::optional<std::string> check_path(std::string_view text) {
    if (text.contains('\0')) {
        return "a path";
    }
    return std::nullopt;
}

std::optional<std::string> check_upstream_name(std::string_view text) {
    bool const is_right =
        !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_host_char);
    return is_right
               ? std::nullopt
               : std::optional<std::string>("a name; use 1 to 64 letters, digits, '-', '_' and '.'"
                 );
}

std::optional<std::string> check_host_pattern(std::string_view text) {
    std::string_view const host = text.starts_with("*.") ? text.substr(2) : text;
    bool const is_right =
        !host.empty() && (std::ranges::all_of(host, is_host_char) ||
                          (host.contains(':') && std::ranges::all_of(host, is_ipv6_char)));
    return is_right ? std::nullopt
                    : std::optional<std::string>(
                          "a host; write \"gpu.example.org\" or \"*.example.org\", without port"
                      );
}

std::optional<std::string> check_origin_pattern(std::string_view text) {
    bool const is_right = !text.empty() && text.size() <= 512 &&
                          std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
    bool const has_shape = text == "*" || text.contains("://");
    return is_right && has_shape
               ? std::nullopt
               : std::optional<std::string>(
                     "an origin; write \"https://app.example.org\" or \"https://*.example.org\""
                 );
}

std::optional<std::string> check_cut_option(std::string_view text) {
    constexpr std::array<std::string_view, 6> kOptions = {
        "num_gpu", "main_gpu", "num_thread", "use_mmap", "draft_num_predict", "shift"
    };
    std::string_view const name = text.substr(0, text.find('='));
    bool const has_value = !text.ends_with('=');
    if (std::ranges::find(kOptions, name) != kOptions.end() && has_value) {
        return std::nullopt;
    }
    return "an option to cut; write \"num_gpu=0\", or one of num_gpu, main_gpu, num_thread, "
           "use_mmap, "
           "draft_num_predict, shift";
}

}  // namespace plimsoll::config
