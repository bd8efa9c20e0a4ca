#pragma once
// What `plimsoll takeover` does to a machine, behind an interface: tests make each single act fail.

#include "app/systemctl.hpp"

#include <plimsoll/base/result.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app::takeover {

// A place where something listens.
struct Address {
    std::string host;
    std::uint16_t port = 0;
    auto operator<=>(Address const&) const = default;
};

std::string to_string(Address const& address);
// Where a client on this machine finds what listens there.
std::string url_of(Address const& address);

enum class Server : std::uint8_t { Ollama, Plimsoll };

class Host {
  public:
    virtual ~Host() = default;

    // Text of a file; nullopt: there is none. Errors: Io (it may not be read).
    virtual Result<std::optional<std::string>> read(std::filesystem::path const& file) = 0;
    // Whole or not at all, with the folders above it. Mode 0644 for all, 0600 for `secret`.
    virtual Result<void> write(
        std::filesystem::path const& file, std::string_view text, bool secret
    ) = 0;
    // Whether the folder of this file is there.
    virtual bool has_folder(std::filesystem::path const& file) = 0;
    // None there is no error. `with_folder`: its folder too, if nothing else is in it.
    virtual Result<void> remove(std::filesystem::path const& file, bool with_folder) = 0;
    virtual Result<void> systemctl(std::vector<std::string> const& words) = 0;
    virtual Result<Unit> show(std::string const& unit) = 0;
    // The first of them on which nothing listens. Error NotFound: none.
    virtual Result<std::uint16_t> free_port(std::vector<std::uint16_t> const& ports) = 0;
    // Waits until that server answers there, and gives its version. Plimsoll answers once it is
    // ready. Error Timeout, with what came last.
    virtual Result<std::string> wait_for(Server server, Address const& address) = 0;
    // The address that the Plimsoll whose control API is at `url` has as its upstream's.
    virtual Result<std::string> upstream_of(std::string const& url) = 0;
    // For people: what is being done.
    virtual void say(std::string const& line) = 0;
};

// This machine, with its files under `root`. `patience`: how long a server may take to answer.
// `key_file`: with a key of Plimsoll; empty: $PLIMSOLL_KEY.
std::unique_ptr<Host> this_machine(
    std::filesystem::path root, Duration patience, std::string key_file
);

}  // namespace plimsoll::app::takeover
