#include "app/inherited.hpp"

#include <plimsoll/base/text.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace plimsoll::app {
namespace {

constexpr std::uint64_t kMostSockets = 64;

std::string take_variable(char const* name) {
    char const* const value = std::getenv(name);
    std::string out = value == nullptr ? "" : value;
    ::unsetenv(name);
    return out;
}

// The next part of a list with colons between.
std::string_view next_name(std::string_view& rest) {
    auto const end = std::min(rest.find(':'), rest.size());
    auto const name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return name;
}

Result<InheritedSocket> describe(int fd, std::string_view name) {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    InheritedSocket out{.fd = fd, .is_admin = name == "admin"};
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0) {
        return fail(
            Errc::Invalid,
            "the descriptor " + std::to_string(fd) +
                " that was passed by socket activation is no "
                "socket; name a stream socket with ListenStream="
        );
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (own.ss_family == AF_UNIX) {
        auto const& address = reinterpret_cast<sockaddr_un const&>(own);
        // An abstract name begins with a zero, which people write as @.
        std::string path(address.sun_path, size - offsetof(sockaddr_un, sun_path));
        if (path.starts_with('\0')) {
            path.front() = '@';
        }
        out.address = "unix:" + path.substr(0, path.find('\0'));
    } else if (own.ss_family == AF_INET6) {
        auto const& address = reinterpret_cast<sockaddr_in6 const&>(own);
        out.address = ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
        out.port = ntohs(address.sin6_port);
    } else {
        auto const& address = reinterpret_cast<sockaddr_in const&>(own);
        out.address = ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
        out.port = ntohs(address.sin_port);
    }
    return out;
}

}  // namespace

Result<std::vector<InheritedSocket>> take_inherited_sockets(int pid, int first) {
    auto const for_pid = take_variable("LISTEN_PID");
    auto const count_text = take_variable("LISTEN_FDS");
    auto const names = take_variable("LISTEN_FDNAMES");
    std::vector<InheritedSocket> out;
    if (count_text.empty() || parse_u64(for_pid) != static_cast<std::uint64_t>(pid)) {
        return out;
    }
    auto const count = parse_u64(count_text);
    if (!count || *count > kMostSockets) {
        return fail(
            Errc::Invalid,
            "LISTEN_FDS is \"" + printable(count_text, 20) + "\"; it must be a number up to " +
                std::to_string(kMostSockets)
        );
    }
    std::string_view rest = names;
    for (int i = 0; i < static_cast<int>(*count); ++i) {
        auto socket = describe(first + i, next_name(rest));
        if (!socket) {
            return fail(std::move(socket).error());
        }
        out.push_back(std::move(*socket));
    }
    return out;
}

}  // namespace plimsoll::app
