#pragma once
// Facts of this host from /proc and the file system.

#include "app/doctor/facts.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace plimsoll::app::doctor {

// Where to look: "/" and "/proc" but in tests.
struct Places {
    std::filesystem::path root = "/";
    std::filesystem::path proc = "/proc";
};

// Of a process, as it was started. Error Io: it is not ours to see, or gone.
Result<Environment> read_environment(std::filesystem::path const& proc, int pid);

// A process and those that it started, directly or not.
std::set<int> family_of(std::filesystem::path const& proc, int pid);

// The name of a process; empty if it is gone.
std::string command_of(std::filesystem::path const& proc, int pid);

FileFacts look_at(std::filesystem::path const& path);

// Of a state file, what SQLite says of it included.
StateFacts look_at_state(std::filesystem::path const& file);

// Clock, limits, swap, systemd. `daemon`: its process; `servers`: those whose swap counts.
HostFacts look_at_host(
    Places const& places, std::optional<int> daemon, std::set<int> const& servers
);

}  // namespace plimsoll::app::doctor
