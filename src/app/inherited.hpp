#pragma once
// Listening sockets that whoever started the program has opened for it (systemd's socket
// activation, sd_listen_fds(3)). Read once, at the start.

#include <plimsoll/base/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace plimsoll::app {

struct InheritedSocket {
    int fd = -1;
    bool is_admin = false;  // its name (FileDescriptorName=) is "admin"
    std::string address{};  // "127.0.0.1", "::1", "unix:/run/plimsoll/admin.sock"
    std::uint16_t port = 0;
};

// What $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES say, numbered from `first`; empty: nothing was
// passed to process `pid`. The variables are taken away, so that no program of ours reads them.
// Error Invalid: they contradict themselves, or a descriptor is no socket.
Result<std::vector<InheritedSocket>> take_inherited_sockets(int pid, int first = 3);

}  // namespace plimsoll::app
