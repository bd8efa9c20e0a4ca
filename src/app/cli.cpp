#include "app/cli.hpp"

#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

namespace plimsoll::app {
namespace {

constexpr int kUsageError = 2;

constexpr char const* kRootFooter =
    "First steps:\n"
    "  plimsoll serve --budget 22GiB       in front of the Ollama at 127.0.0.1:11434\n"
    "  export OLLAMA_HOST=127.0.0.1:11435  and every client of Ollama goes through Plimsoll\n"
    "  plimsoll ps                         what is in memory, and why\n"
    "\n"
    "No Ollama at hand? `plimsoll sim` is one without weights.\n"
    "Each command explains itself: plimsoll COMMAND --help";

// The subcommand that the words lead to, for its own help and its own nearest words.
CLI::App const& deepest(CLI::App const& root, std::span<std::string const> arguments) {
    CLI::App const* at = &root;
    for (auto const& word : arguments) {
        auto const below =
            at->get_subcommands([&word](CLI::App const* app) { return app->check_name(word); });
        if (below.empty()) {
            break;
        }
        at = below.front();
    }
    return *at;
}

std::vector<std::string> known_words(CLI::App const& app) {
    std::vector<std::string> words;
    for (auto const* command : app.get_subcommands({})) {
        words.push_back(command->get_name());
    }
    for (auto const* option : app.get_options()) {
        for (auto const& name : option->get_lnames()) {
            words.push_back("--" + name);
        }
    }
    return words;
}

// "--limit", where the next word is its value and no command.
bool takes_value(CLI::App const& app, std::string const& word) {
    return std::ranges::any_of(app.get_options(), [&word](CLI::Option const* option) {
        return word.starts_with("--") && option->check_lname(word.substr(2)) &&
               option->get_items_expected_max() > 0;
    });
}

// The first word that nothing takes, with the nearest right one; empty if the problem is another.
std::string unknown_word(CLI::App const& app, std::span<std::string const> arguments) {
    auto const words = known_words(app);
    std::vector<std::string_view> const candidates(words.begin(), words.end());
    bool is_value = false;
    for (auto const& argument : arguments) {
        auto const word = argument.substr(0, argument.find('='));
        bool const is_of_option = std::exchange(is_value, takes_value(app, argument));
        bool const is_option = word.starts_with("--");
        bool const is_command =
            !is_option && !app.get_subcommands({}).empty() && !word.starts_with("-");
        bool const is_known = app.get_parent() != nullptr && word == app.get_name();
        if ((!is_option && !is_command) || is_known || is_of_option ||
            std::ranges::find(words, word) != words.end()) {
            continue;
        }
        std::string text = is_option ? "unknown option " : "unknown command ";
        text += printable(word, 80);
        if (auto const near = nearest(word, candidates)) {
            text += "; did you mean " + std::string(*near) + "?";
        }
        return text;
    }
    return {};
}

Exit explain(
    CLI::App const& root, std::span<std::string const> arguments, CLI::ParseError const& error
) {
    auto const& app = deepest(root, arguments);
    std::string path = app.get_name();
    for (auto const* up = app.get_parent(); up != nullptr; up = up->get_parent()) {
        path = up->get_name() + " " + path;
    }
    std::string text = unknown_word(app, arguments);
    if (text.empty()) {
        text = printable(trim(error.what()));
    }
    return {kUsageError, {}, path + ": " + text + "\nSee: " + path + " --help\n"};
}

}  // namespace

std::string_view version() {
    return PLIMSOLL_VERSION;
}

std::variant<Command, Exit> parse_command_line(
    std::span<std::string const> arguments, std::string const& default_url
) {
    CLI::App root(
        "Plimsoll stands in front of Ollama and keeps its models within a VRAM budget.", "plimsoll"
    );
    root.require_subcommand(1);
    root.set_version_flag(
        "--version", "plimsoll " + std::string(version()), "Print the version and exit"
    );
    root.get_formatter()->column_width(36);
    root.footer(kRootFooter);

    Command command = VersionOptions{};
    add_serve(root, command);
    add_client_commands(root, command, default_url);
    add_estimate(root, command, default_url);
    add_chain(root, command, default_url);
    add_runs(root, command, default_url);
    add_config(root, command);
    add_key(root, command);
    add_health(root, command, default_url);
    add_top(root, command, default_url);
    add_doctor(root, command);
    add_takeover(root, command);
    add_sim(root, command);
    add_simulate(root, command);
    add_replay(root, command);
    root.add_subcommand("version", "Print the version")->callback([&command] {
        command = VersionOptions{};
    });
    add_completion(root, command);
    add_man(root, command);

    try {
        std::vector<std::string> reversed(
            arguments.rbegin(), arguments.rend()
        );  // CLI11 takes them from the back
        root.parse(std::move(reversed));
    } catch (CLI::Success const& asked) {
        std::ostringstream out;
        root.exit(asked, out, out);
        return Exit{0, out.str(), {}};
    } catch (CLI::ParseError const& error) {
        if (arguments.empty()) {
            return Exit{kUsageError, {}, root.help()};
        }
        return explain(root, arguments, error);
    }
    return command;
}

}  // namespace plimsoll::app
