#pragma once
// Programs of the system that are run and waited for, and what systemd says about a unit. Blocking:
// for commands, not for the daemon.

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app {

struct ProgramOutput {
    int status = 0;  // exit status; 128 and the signal's number where one ended it
    std::string out, err;
};

// Found by $PATH; standard input is empty. `silence`: it is ended when it has said nothing for so
// long. Errors: NotFound (no such program), Timeout, Io.
Result<ProgramOutput> run_program(std::vector<std::string> const& words, Duration silence);

// Of `systemctl show`.
struct Unit {
    std::string name;          // "ollama.service"
    std::string load_state;    // "loaded", "not-found", "masked", ...
    std::string active_state;  // "active", "failed", ...
    std::string sub_state;
    std::string file_state;  // "enabled", ...
    std::string fragment;    // its file
    std::string user;
    bool has_dynamic_user = false;
    std::vector<std::string> drop_ins;
    std::vector<std::string> environment;  // "NAME=value" of Environment= lines, the last one wins
    std::vector<std::string> environment_files;
    std::optional<int> main_pid;
    unsigned restarts = 0;

    [[nodiscard]] bool exists() const { return load_state == "loaded"; }

    // The value of an Environment= line; nullopt: none sets it.
    [[nodiscard]] std::optional<std::string> variable(std::string_view key) const;
};

// Whether systemd runs the host whose files are under `root` ("/").
bool has_systemd(std::filesystem::path const& root);

// Errors: NotFound (no systemctl), Io with what it said.
Result<Unit> show_unit(std::string const& name);

// What `systemctl show` prints, one KEY=value a line.
Unit parse_unit(std::string const& name, std::string_view text);

// Words as systemd writes and reads them: separated by blanks, "..." where they contain some.
std::vector<std::string> parse_unit_words(std::string_view text);

}  // namespace plimsoll::app
