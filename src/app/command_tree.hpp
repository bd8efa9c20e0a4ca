#pragma once
// The command line as it describes itself: what completions and the man page are made of, so that
// neither can say anything else than the parser does. Values; any thread.

#include <string>
#include <vector>

namespace plimsoll::app {

struct OptionInfo {
    std::string long_name;   // "json"; of a positional the name of its value
    std::string short_name;  // "c"; empty: none
    std::string type;        // "FILE"; empty: a flag, which takes no value
    std::string help;
    std::vector<std::string> words;  // all that it takes, where that is a choice of few
    bool is_required = false;
};

struct CommandInfo {
    std::string path;  // "plimsoll config check"
    std::string name;  // "check"
    std::string help;
    std::string footer;  // details and examples
    std::vector<OptionInfo> options;
    std::vector<OptionInfo> positionals;
    std::vector<CommandInfo> commands;
};

// Scripts for the three shells. Models are those in memory, asked of a running Plimsoll.
std::string bash_completion(CommandInfo const& root);
std::string zsh_completion(CommandInfo const& root);
std::string fish_completion(CommandInfo const& root);

// plimsoll(1), for man.
std::string man_page(CommandInfo const& root, std::string const& version);

}  // namespace plimsoll::app
