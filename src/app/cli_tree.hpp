#pragma once
// Private to the parser: the functions that hang subcommands on the root. CLI11 is heavy, so only
// cli*.cpp include this.

#include "app/options.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <utility>
#include <vector>

namespace plimsoll::app {

void add_serve(CLI::App& root, Command& out);
void add_doctor(CLI::App& root, Command& out);
void add_takeover(CLI::App& root, Command& out);
void add_top(CLI::App& root, Command& out, std::string const& default_url);
void add_sim(CLI::App& root, Command& out);
void add_simulate(CLI::App& root, Command& out);
void add_replay(CLI::App& root, Command& out);
void add_estimate(CLI::App& root, Command& out, std::string const& default_url);
void add_config(CLI::App& root, Command& out);
void add_key(CLI::App& root, Command& out);
void add_chain(CLI::App& root, Command& out, std::string const& default_url);
void add_runs(CLI::App& root, Command& out, std::string const& default_url);
void add_health(CLI::App& root, Command& out, std::string const& default_url);
// Print what describes `root` itself: to be added last.
void add_completion(CLI::App& root, Command& out);
void add_man(CLI::App& root, Command& out);
void add_client_commands(CLI::App& root, Command& out, std::string const& default_url);

// --url and --key-file, of every command that talks to a running Plimsoll.
void add_daemon(CLI::App& app, std::string& url, std::string& key_file);

// --load-bandwidth: "2GiB", "2 GiB/s", "300MB/s" to bytes per second. Throws CLI11's error.
double parse_bandwidth(std::string text);

// A check that does not write its own name into the help text.
inline CLI::Validator unnamed(CLI::Validator check) {
    return check.description("");
}

// The mark by which completions find a choice of words among an option's checks.
inline constexpr char kWordsMark[] = "words:";

// Names the words that an option takes for completions; whether a value is one of them somebody
// else checks.
inline CLI::Validator suggest(std::vector<std::string> const& words) {
    std::string name = kWordsMark;
    for (auto const& word : words) {
        name += word + "|";
    }
    return CLI::Validator("").name(std::move(name));
}

}  // namespace plimsoll::app
