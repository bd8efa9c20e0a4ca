#include "app/doctor/sockets.hpp"

#include "app/process.hpp"

#include <plimsoll/base/text.hpp>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <system_error>

namespace plimsoll::app::doctor {
namespace {

namespace fs = std::filesystem;

constexpr unsigned kEstablished = 1, kListen = 10;  // of include/net/tcp_states.h
constexpr std::size_t kFields = 10;                 // up to the inode

template <class Value>
bool has(std::vector<Value> const& all, Value one) {
    return std::ranges::find(all, one) != all.end();
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
    std::uint64_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    bool const is_whole = error == std::errc() && end == text.data() + text.size();
    return is_whole ? std::optional(value) : std::nullopt;
}

struct End {
    std::string address;
    std::uint16_t port = 0;
};

// "0100007F:2CAA": words of 32 bits in the machine's order, the port in the network's.
std::optional<End> parse_end(std::string_view text) {
    auto const colon = text.find(':');
    if (colon == std::string_view::npos || (colon != 8 && colon != 32)) {
        return std::nullopt;
    }
    std::array<std::uint32_t, 4> words{};
    for (std::size_t i = 0; i < colon / 8; ++i) {
        auto const word = parse_hex(text.substr(i * 8, 8));
        if (!word) {
            return std::nullopt;
        }
        words[i] = static_cast<std::uint32_t>(*word);
    }
    auto const port = parse_hex(text.substr(colon + 1));
    if (!port || *port > 65535) {
        return std::nullopt;
    }
    bool const is_v6 = colon == 32;
    std::array<char, INET6_ADDRSTRLEN> buffer{};
    ::inet_ntop(is_v6 ? AF_INET6 : AF_INET, words.data(), buffer.data(), buffer.size());
    std::string address = buffer.data();
    if (istarts_with(address, "::ffff:") && address.contains('.')) {
        address = address.substr(7);
    }
    return End{std::move(address), static_cast<std::uint16_t>(*port)};
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> out;
    for (auto const word : split(line, ' ')) {
        if (!word.empty()) {
            out.push_back(word);
        }
    }
    return out;
}

std::string read_text(fs::path const& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Sockets that processes hold: inode to process. Those of others are not shown to us.
std::map<std::uint64_t, int> owners(
    fs::path const& proc, std::vector<std::uint64_t> const& wanted
) {
    std::map<std::uint64_t, int> out;
    std::error_code ignored;
    for (auto const& entry : fs::directory_iterator(proc, ignored)) {
        auto const pid = parse_u64(entry.path().filename().string());
        if (!pid) {
            continue;
        }
        std::error_code hidden;
        for (auto const& file : fs::directory_iterator(entry.path() / "fd", hidden)) {
            std::error_code gone;
            auto const target = fs::read_symlink(file.path(), gone).string();
            if (gone || !target.starts_with("socket:[")) {
                continue;
            }
            auto const inode = parse_u64(std::string_view(target).substr(8, target.size() - 9));
            if (inode && has(wanted, *inode)) {
                out.emplace(*inode, static_cast<int>(*pid));
            }
        }
    }
    return out;
}

template <class Socket>
void name_owners(
    fs::path const& proc, std::map<std::uint64_t, int> const& pids, std::vector<Socket>& sockets
) {
    for (auto& socket : sockets) {
        if (auto const found = pids.find(socket.inode); found != pids.end()) {
            socket.pid = found->second;
            socket.command = trim(read_text(proc / std::to_string(found->second) / "comm"));
        }
    }
}

}  // namespace

bool is_any_address(std::string_view address) {
    return address == "0.0.0.0" || address == "::";
}

Listener const* SocketTable::at(std::string_view address, std::uint16_t port) const {
    auto const matches = [&](Listener const& one) {
        return one.port == port && (one.address == address || is_any_address(one.address) ||
                                    is_any_address(address) || iequals(address, "localhost"));
    };
    auto const exact = std::ranges::find_if(listeners, [&](Listener const& one) {
        return one.port == port && one.address == address;
    });
    if (exact != listeners.end()) {
        return &*exact;
    }
    auto const found = std::ranges::find_if(listeners, matches);
    return found == listeners.end() ? nullptr : &*found;
}

void parse_sockets(
    std::string_view text, std::vector<std::uint16_t> const& ports, SocketTable& out
) {
    for (auto const line : split(text, '\n')) {
        auto const words = words_of(line);
        if (words.size() < kFields) {
            continue;
        }
        auto const local = parse_end(words[1]);
        auto const remote = parse_end(words[2]);
        auto const state = parse_hex(words[3]);
        auto const uid = parse_u64(words[7]);
        auto const inode = parse_u64(words[9]);
        if (!local || !remote || !state || !uid || !inode) {
            continue;  // the line of titles
        }
        bool const is_wanted =
            has(ports, local->port) || (*state == kEstablished && has(ports, remote->port));
        if (!is_wanted) {
            continue;
        }
        auto const user = static_cast<unsigned>(*uid);
        if (*state == kListen) {
            out.listeners.push_back({local->address, local->port, *inode, user, {}, {}});
        } else if (*state == kEstablished) {
            out.connections.push_back(
                {local->address, remote->address, local->port, remote->port, *inode, user, {}, {}}
            );
        }
    }
}

SocketTable read_sockets(fs::path const& proc, std::vector<std::uint16_t> const& ports) {
    SocketTable out;
    auto const v4 = read_text(proc / "net" / "tcp");
    auto const v6 = read_text(proc / "net" / "tcp6");
    if (v4.empty() && v6.empty()) {
        out.problem = (proc / "net" / "tcp").string() + " cannot be read";
        return out;
    }
    parse_sockets(v4, ports, out);
    parse_sockets(v6, ports, out);
    std::vector<std::uint64_t> wanted;
    for (auto const& listener : out.listeners) {
        wanted.push_back(listener.inode);
    }
    for (auto const& connection : out.connections) {
        wanted.push_back(connection.inode);
    }
    auto const pids = owners(proc, wanted);
    name_owners(proc, pids, out.listeners);
    name_owners(proc, pids, out.connections);
    return out;
}

}  // namespace plimsoll::app::doctor
