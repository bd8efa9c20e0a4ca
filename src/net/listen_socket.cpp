#include "net/listen_socket.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/fmt/fmt.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace plimsoll::net {

namespace {

// What a client that does not read may leave unsent in the kernel on our account.
constexpr int kUnsentLimit = 128 * 1024;
// Owner and group: who may connect is a matter of the file's group.
constexpr mode_t kSocketMode = 0660;

struct Address {
    sockaddr_storage bytes{};
    socklen_t size = 0;
};

sockaddr const* raw(Address const& address) {
    return reinterpret_cast<sockaddr const*>(&address.bytes);
}

Error io_error(int code, std::string text) {
    Error error(Errc::Io, std::move(text));
    error.cause = std::error_code(code, std::system_category());
    return error;
}

// Once, before the first request: a name may block here.
Result<Address> find_address(std::string const& text, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    int const code = ::getaddrinfo(text.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (code != 0 || found == nullptr) {
        return fail(
            Errc::Io,
            fmt::format(
                "cannot listen on \"{}\": {}; give an IP address of this machine",
                text,
                ::gai_strerror(code)
            )
        );
    }
    Address out;
    std::memcpy(&out.bytes, found->ai_addr, found->ai_addrlen);
    out.size = found->ai_addrlen;
    ::freeaddrinfo(found);
    return out;
}

Result<Address> unix_address(std::string const& path) {
    Address out;
    auto& address = reinterpret_cast<sockaddr_un&>(out.bytes);
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return fail(
            Errc::Io,
            fmt::format(
                "cannot listen on unix:{}: the path has {} bytes; 1 to {} are possible",
                path,
                path.size(),
                sizeof address.sun_path - 1
            )
        );
    }
    address.sun_family = AF_UNIX;
    std::ranges::copy(path, address.sun_path);
    out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return out;
}

void set_option(int fd, int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
}

// Accepted sockets inherit these, which spares two calls for each connection.
void set_tcp_options(int fd) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kUnsentLimit);
}

// Whether a server answers behind the file of a Unix socket; a full queue of one counts.
bool is_served(Address const& address) {
    int const fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool const refused =
        fd >= 0 && ::connect(fd, raw(address), address.size) != 0 && errno == ECONNREFUSED;
    ::close(fd);
    return !refused;
}

}  // namespace

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      family_(other.family_),
      port_(other.port_),
      file_(std::exchange(other.file_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

ListenSocket::~ListenSocket() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
    remove_file();
}

int ListenSocket::release_fd() {
    return std::exchange(fd_, -1);
}

void ListenSocket::remove_file() {
    struct stat now{};
    if (!file_.empty() && ::lstat(file_.c_str(), &now) == 0 && now.st_dev == device_ &&
        now.st_ino == inode_) {
        ::unlink(file_.c_str());
    }
    file_.clear();
}

Result<ListenSocket> ListenSocket::open(ServerConfig const& config) {
    if (config.inherited) {
        return adopt(*config.inherited);
    }
    if (auto const path = unix_path(config.address)) {
        return open_unix(std::string(*path));
    }
    return open_tcp(config.address, config.port);
}

Result<ListenSocket> ListenSocket::open_tcp(std::string const& address, std::uint16_t port) {
    auto const found = find_address(address, port);
    if (!found) {
        return fail(found.error());
    }
    ListenSocket out;
    out.family_ = found->bytes.ss_family;
    out.fd_ = ::socket(out.family_, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_done = out.fd_ >= 0;
    if (is_done) {
        set_option(out.fd_, SOL_SOCKET, SO_REUSEADDR, 1);
        set_tcp_options(out.fd_);
        is_done =
            ::bind(out.fd_, raw(*found), found->size) == 0 && ::listen(out.fd_, SOMAXCONN) == 0;
    }
    if (!is_done) {
        int const code = errno;
        return fail(io_error(
            code, fmt::format("cannot listen on {} port {}: {}", address, port, std::strerror(code))
        ));
    }
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    ::getsockname(out.fd_, reinterpret_cast<sockaddr*>(&own), &size);
    out.port_ = ntohs(
        out.family_ == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(own).sin6_port
                                : reinterpret_cast<sockaddr_in&>(own).sin_port
    );
    return out;
}

Result<ListenSocket> ListenSocket::open_unix(std::string const& path) {
    ListenSocket out;
    out.family_ = AF_UNIX;
    out.fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (out.fd_ < 0) {
        int const code = errno;
        return fail(
            io_error(code, fmt::format("cannot listen on unix:{}: {}", path, std::strerror(code)))
        );
    }
    auto bound = out.bind_unix(path);
    if (!bound) {
        return fail(std::move(bound).error());
    }
    return out;
}

// The mode is set before the file exists, so that at no time more may connect than shall, and once
// more after it, because the umask takes from the first.
Result<void> ListenSocket::bind_unix(std::string const& path) {
    auto const address = unix_address(path);
    if (!address) {
        return fail(address.error());
    }
    auto const failed = [&path](std::string_view what) {
        int const code = errno;
        return fail(io_error(
            code, fmt::format("cannot listen on unix:{}: {}{}", path, what, std::strerror(code))
        ));
    };
    ::fchmod(fd_, kSocketMode);
    int code = ::bind(fd_, raw(*address), address->size) == 0 ? 0 : errno;
    if (code == EADDRINUSE) {
        struct stat there{};
        bool const is_socket = ::lstat(path.c_str(), &there) == 0 && S_ISSOCK(there.st_mode);
        if (!is_socket || is_served(*address)) {
            return fail(io_error(
                code,
                fmt::format(
                    "cannot listen on unix:{}: {}",
                    path,
                    is_socket ? "another program listens there; end it, or name another path"
                              : "a file that is no socket is in the way; name another path"
                )
            ));
        }
        ::unlink(path.c_str());  // left by a process that did not end well
        code = ::bind(fd_, raw(*address), address->size) == 0 ? 0 : errno;
    }
    errno = code;
    if (code != 0) {
        return failed("");
    }
    struct stat made{};
    if (::lstat(path.c_str(), &made) != 0) {
        return failed("its file is gone: ");
    }
    file_ = path;
    device_ = made.st_dev;
    inode_ = made.st_ino;
    if (::chmod(path.c_str(), kSocketMode) != 0) {
        return failed("its mode cannot be set: ");
    }
    if (::listen(fd_, SOMAXCONN) != 0) {
        return failed("");
    }
    return {};
}

Result<ListenSocket> ListenSocket::adopt(int fd) {
    sockaddr_storage own{};
    socklen_t size = sizeof own;
    int is_listening = 0;
    socklen_t option_size = sizeof is_listening;
    bool const is_right =
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) == 0 &&
        ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &option_size) == 0 &&
        is_listening != 0 &&
        (own.ss_family == AF_INET || own.ss_family == AF_INET6 || own.ss_family == AF_UNIX);
    if (!is_right) {
        return fail(
            Errc::Io,
            fmt::format(
                "the inherited descriptor {} is no listening socket; give a stream socket "
                "(ListenStream= of a systemd socket unit)",
                fd
            )
        );
    }
    ListenSocket out;
    out.fd_ = fd;
    out.family_ = own.ss_family;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    if (own.ss_family != AF_UNIX) {
        set_tcp_options(fd);
        out.port_ = ntohs(
            own.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(own).sin6_port
                                      : reinterpret_cast<sockaddr_in&>(own).sin_port
        );
    }
    return out;
}

}  // namespace plimsoll::net
