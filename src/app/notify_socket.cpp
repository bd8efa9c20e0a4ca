#include "app/notify_socket.hpp"

#include <plimsoll/base/text.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace plimsoll::app {
namespace {

std::string_view variable(char const* name) {
    char const* value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

bool is_supported(std::string_view address) {
    return address.size() > 1 && (address.front() == '/' || address.front() == '@') &&
           address.size() < sizeof(sockaddr_un::sun_path);
}

}  // namespace

NotifySocket NotifySocket::from_environment() {
    return NotifySocket(std::string(variable("NOTIFY_SOCKET")));
}

NotifySocket::NotifySocket(std::string address) {
    if (is_supported(address)) {
        address_ = std::move(address);
    }
}

bool NotifySocket::send(std::string_view lines) const {
    if (!is_there()) {
        return false;
    }
    int const socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
        return false;
    }
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address_.data(), address_.size());
    if (to.sun_path[0] == '@') {
        to.sun_path[0] = '\0';
    }
    auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
    ssize_t sent = -1;
    do {
        sent = ::sendto(
            socket,
            lines.data(),
            lines.size(),
            MSG_NOSIGNAL | MSG_DONTWAIT,
            reinterpret_cast<sockaddr const*>(&to),
            size
        );
    } while (sent < 0 && errno == EINTR);
    ::close(socket);
    return sent == static_cast<ssize_t>(lines.size());
}

std::optional<Duration> watchdog_from_environment() {
    constexpr auto kMost =
        static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() / 1000);
    auto const wanted = parse_u64(variable("WATCHDOG_USEC"));
    if (!wanted || *wanted == 0 || *wanted > kMost) {
        return std::nullopt;
    }
    auto const whom = variable("WATCHDOG_PID");
    if (!whom.empty() && parse_u64(whom) != static_cast<std::uint64_t>(::getpid())) {
        return std::nullopt;
    }
    return std::chrono::microseconds(static_cast<std::int64_t>(*wanted));
}

}  // namespace plimsoll::app
