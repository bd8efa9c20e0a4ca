#include <plimsoll/base/text.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::upstream {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
    return fail(
        Errc::Invalid,
        fmt::format(
            "upstream url \"{}\": {}; write it as http://HOST:PORT or https://HOST:PORT, for "
            "example http://127.0.0.1:11434",
            printable(text, 200),
            why
        )
    );
}

// "host", "1.2.3.4" or "[::1]", with the rest behind it left in `rest`.
std::string_view take_host(std::string_view authority, std::string_view& rest) {
    if (authority.starts_with('[')) {
        auto const end = authority.find(']');
        if (end == std::string_view::npos) {
            return {};
        }
        rest = authority.substr(end + 1);
        return authority.substr(1, end - 1);
    }
    auto const colon = authority.find(':');
    rest = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
    return authority.substr(0, colon);
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
    std::string_view left = trim(text);
    bool const is_tls = istarts_with(left, "https://");
    if (!is_tls && !istarts_with(left, "http://")) {
        return refuse(text, "the scheme must be http or https");
    }
    left.remove_prefix(is_tls ? 8 : 7);
    if (left.ends_with('/')) {
        left.remove_suffix(1);
    }
    if (left.find_first_of("/?#") != std::string_view::npos) {
        return refuse(text, "a path, query or fragment is not allowed");
    }
    if (left.find_first_of("@ \t") != std::string_view::npos) {
        return refuse(text, "user names and blanks are not allowed");
    }
    std::string_view rest;
    auto const host = take_host(left, rest);
    if (host.empty()) {
        return refuse(text, "the host is missing");
    }
    Url url{.host = std::string(host), .port = is_tls ? kHttpsPort : kHttpPort, .is_tls = is_tls};
    if (rest.empty()) {
        return url;
    }
    auto const port = rest.starts_with(':') ? parse_u64(rest.substr(1)) : std::nullopt;
    if (!port || *port == 0 || *port > 65535) {
        return refuse(text, "the port must be a number from 1 to 65535");
    }
    url.port = static_cast<std::uint16_t>(*port);
    return url;
}

}  // namespace plimsoll::upstream
