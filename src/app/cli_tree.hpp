#pragma once
// Private to the parser: the functions that hang subcommands on the root. CLI11 is heavy, so only
// cli*.cpp include this.

#include "app/options.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace plimsoll::app {

void add_serve(CLI::App& root, Command& out);
void add_sim(CLI::App& root, Command& out);
void add_simulate(CLI::App& root, Command& out);
void add_replay(CLI::App& root, Command& out);
void add_estimate(CLI::App& root, Command& out, std::string const& default_url);
void add_config(CLI::App& root, Command& out);
void add_chain(CLI::App& root, Command& out, std::string const& default_url);
void add_runs(CLI::App& root, Command& out, std::string const& default_url);
void add_client_commands(CLI::App& root, Command& out, std::string const& default_url);

// --load-bandwidth: "2GiB", "2 GiB/s", "300MB/s" to bytes per second. Throws CLI11's error.
double parse_bandwidth(std::string text);

// A check that does not write its own name into the help text.
inline CLI::Validator unnamed(CLI::Validator check) {
    return check.description("");
}

}  // namespace plimsoll::app
