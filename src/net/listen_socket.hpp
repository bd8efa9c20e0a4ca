#pragma once
// A bound, listening socket: TCP, Unix, or one that whoever started us has opened already.

#include <plimsoll/base/result.hpp>
#include <plimsoll/net/server.hpp>

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace plimsoll::net {

class ListenSocket {
  public:
    // Errors Io: the address and the system's words, or whose file stands in the way.
    static Result<ListenSocket> open(ServerConfig const& config);

    ~ListenSocket();
    ListenSocket(ListenSocket&& other) noexcept;
    ListenSocket& operator=(ListenSocket&&) = delete;
    ListenSocket(ListenSocket const&) = delete;
    ListenSocket& operator=(ListenSocket const&) = delete;

    [[nodiscard]] int fd() const { return fd_; }

    [[nodiscard]] int family() const { return family_; }

    [[nodiscard]] std::uint16_t port() const { return port_; }  // 0 for Unix

    // The descriptor goes to the caller; the file of a Unix socket stays ours to remove.
    int release_fd();
    // Removes the file of a Unix socket that we made, unless another has taken its place.
    void remove_file();

  private:
    ListenSocket() = default;

    static Result<ListenSocket> open_tcp(std::string const& address, std::uint16_t port);
    static Result<ListenSocket> open_unix(std::string const& path);
    static Result<ListenSocket> adopt(int fd);
    Result<void> bind_unix(std::string const& path);

    int fd_ = -1;
    int family_ = 0;
    std::uint16_t port_ = 0;
    std::string file_;  // made by us; empty: none
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

}  // namespace plimsoll::net
