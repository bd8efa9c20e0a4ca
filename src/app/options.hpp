#pragma once
// What a command line says, as plain values: the seam between the parser (CLI11, two source files)
// and everything that runs. Values; any thread.

#include <plimsoll/base/time.hpp>
#include <plimsoll/config/config.hpp>
#include <plimsoll/sim/simulator.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

namespace plimsoll::app {

struct ServeOptions {
    std::optional<std::filesystem::path> config;
    config::Overrides flags;
};

struct ConfigOptions {
    enum class Action : std::uint8_t { Check, Show };
    Action action = Action::Check;
    std::optional<std::filesystem::path> file;
    config::Overrides flags;
};

struct SimOptions {
    sim::SimConfig sim;
};

// The commands that talk to a running Plimsoll.
struct ClientOptions {
    enum class Action : std::uint8_t { Status, Ps, Queue, Load, Unload, Pin, Unpin, Cleanup };
    Action action = Action::Status;
    std::string url = "http://127.0.0.1:11435";
    bool json = false;
    std::string model;
    std::optional<std::uint32_t> num_ctx;  // tokens
    std::optional<Duration> pin_for;
};

struct VersionOptions {};

using Command =
    std::variant<ServeOptions, ConfigOptions, SimOptions, ClientOptions, VersionOptions>;

// Nothing to run: help was asked for, or the command line is wrong.
struct Exit {
    int status = 0;
    std::string out;  // to standard output
    std::string err;  // to standard error
};

}  // namespace plimsoll::app
