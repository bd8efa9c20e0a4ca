#include "app/doctor/client_host.hpp"

#include "app/process.hpp"

#include <plimsoll/base/text.hpp>

namespace plimsoll::app::doctor {

ClientHost parse_client_host(std::string_view text) {
    ClientHost out;
    text = trim(text);
    while (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
           text.front() == text.back()) {
        text = trim(text.substr(1, text.size() - 2));
    }
    if (auto const scheme = text.find("://"); scheme != std::string_view::npos) {
        out.port = iequals(text.substr(0, scheme), "https") ? 443 : 80;
        text.remove_prefix(scheme + 3);
    }
    text = text.substr(0, text.find('/'));
    auto const bracket = text.rfind(']');
    auto const colon = text.rfind(':');
    bool const is_bare_v6 = bracket == std::string_view::npos && text.find(':') != colon;
    bool const has_port = colon != std::string_view::npos && !is_bare_v6 &&
                          (bracket == std::string_view::npos || colon > bracket);
    auto host = has_port ? text.substr(0, colon) : text;
    if (has_port) {
        auto const port = parse_u64(text.substr(colon + 1));
        out.port = port && *port <= 65535 ? static_cast<std::uint16_t>(*port) : out.port;
    }
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    if (!host.empty()) {
        out.host = host;
    }
    return out;
}

std::string to_string(ClientHost const& host) {
    return authority_of(host.host, host.port);
}

}  // namespace plimsoll::app::doctor
