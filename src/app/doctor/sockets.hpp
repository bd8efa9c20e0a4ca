#pragma once
// Who listens on which TCP port of this host, and who is connected to it, as the kernel tells in
// /proc. To others than root it names the owners of their own processes only.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app::doctor {

struct Listener {
    std::string address;  // "127.0.0.1", "0.0.0.0", "::"
    std::uint16_t port = 0;
    std::uint64_t inode = 0;
    unsigned uid = 0;
    std::optional<int> pid;  // nullopt: not ours to see
    std::string command;     // its name; may be empty
};

// One end of an open connection, its local one.
struct Connection {
    std::string local, remote;
    std::uint16_t local_port = 0, remote_port = 0;
    std::uint64_t inode = 0;
    unsigned uid = 0;
    std::optional<int> pid;
    std::string command;
};

struct SocketTable {
    std::vector<Listener> listeners;
    std::vector<Connection> connections;
    std::string problem;  // /proc cannot be read

    // The listener that a connection to this address would reach.
    [[nodiscard]] Listener const* at(std::string_view address, std::uint16_t port) const;
};

// `proc` is /proc, or a folder like it. Only sockets on these ports, at either end, are kept.
SocketTable read_sockets(
    std::filesystem::path const& proc, std::vector<std::uint16_t> const& ports
);

// Lines of /proc/net/tcp or tcp6 into `out`.
void parse_sockets(
    std::string_view text, std::vector<std::uint16_t> const& ports, SocketTable& out
);

bool is_any_address(std::string_view address);

}  // namespace plimsoll::app::doctor
