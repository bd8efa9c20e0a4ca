#pragma once
// What a takeover will do, decided before anything is done.

#include "app/takeover/host.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace plimsoll::app::takeover {

inline constexpr char const* kOllamaUnit = "ollama.service";
inline constexpr char const* kPlimsollUnit = "plimsoll.service";
inline constexpr char const* kPlimsollSocket = "plimsoll.socket";

struct PlannedFile {
    std::filesystem::path path;
    std::string text;
};

struct Plan {
    Address ollama_was, ollama_now;
    Address plimsoll_now;
    std::string control_url;  // where Plimsoll will answer for its control API
    std::vector<PlannedFile> files;
    // Those that wait for clients in front of Plimsoll: its service, and its socket where systemd
    // listens for it.
    std::vector<std::string> plimsoll_units;
    std::vector<std::string> active_before;  // of plimsoll_units
    std::vector<std::string> notices;        // for people
};

struct Wishes {
    std::uint16_t ollama_port{};  // 0: the first free one from 11433 down
    // The configuration lets Plimsoll listen beyond loopback (keys and TLS, or consent).
    bool may_be_exposed{};
    bool wants_keys{};        // Plimsoll lets nobody in without one
    bool speaks_tls{};        // Plimsoll has a certificate, and answers nothing but TLS
    std::string admin_url{};  // of its listener for administration; empty: there is none
};

// Errors, each with what to do by hand: NotFound (no such unit), Invalid (a setting that would win
// over ours), Io.
Result<Plan> make_plan(Host& host, Wishes const& wishes);

// Files and commands in their order, as --dry-run prints them.
std::string describe(Plan const& plan);

// Where Ollama listens by what systemd says of its unit and by its environment files: OLLAMA_HOST,
// else 127.0.0.1:11434. Error Invalid: an environment file sets it, which no drop-in can override.
Result<Address> ollama_address(Host& host, Unit const& unit);

}  // namespace plimsoll::app::takeover
