// Completion scripts of bash and fish.

#include "app/command_tree.hpp"

#include <spdlog/fmt/fmt.h>

#include <functional>

namespace plimsoll::app {
namespace {

constexpr char const* kBashHead =
    R"j(# bash completion for plimsoll, as `plimsoll completion bash` prints it

_plimsoll_models() {
    timeout 2 plimsoll ps --json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4
}

# Names have colons, at which readline begins a word: only what follows the last one is completed.
_plimsoll_complete_models() {
    local whole=${COMP_LINE:0:COMP_POINT} before
    whole=${whole##*[ =]}
    mapfile -t COMPREPLY < <(compgen -W "$(_plimsoll_models)" -- "$whole")
    if [[ $COMP_WORDBREAKS == *:* ]]; then
        before=${whole%"${whole##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$before"}")
    fi
}

_plimsoll() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} path=plimsoll i
    local options='' commands='' words='' kind=''
    COMPREPLY=()
    # --name=value comes as three words.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$path ${COMP_WORDS[i]}" in
)j";

constexpr char const* kBashTail = R"j(    esac
    if [[ -z $kind$words && ($cur == -* || -z $commands) ]]; then
        words=$options
    fi
    case $kind in
        file)
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
            ;;
        model) _plimsoll_complete_models ;;
        value) ;;
        *) mapfile -t COMPREPLY < <(compgen -W "${words:-$commands}" -- "$cur") ;;
    esac
}

complete -F _plimsoll plimsoll
)j";

constexpr char const* kFishHead =
    R"j(# fish completion for plimsoll, as `plimsoll completion fish` prints it

function __plimsoll_models
    timeout 2 plimsoll ps --json 2>/dev/null | string match -ra '"name":"[^"]*"' | string split -f 4 '"'
end

# Whether the words so far lead to the command whose path is given.
function __plimsoll_at
    set -l path plimsoll
    for word in (commandline -opc)[2..]
        if contains -- "$path $word" $__plimsoll_paths
            set path "$path $word"
        end
    end
    test "$path" = "$argv[1]"
end

complete -c plimsoll -f
)j";

void walk(CommandInfo const& at, std::function<void(CommandInfo const&)> const& visit) {
    visit(at);
    for (auto const& below : at.commands) {
        walk(below, visit);
    }
}

std::string joined(std::vector<std::string> const& words, char const* between = " ") {
    return fmt::format("{}", fmt::join(words, between));
}

std::vector<std::string> names_of(OptionInfo const& option) {
    std::vector<std::string> out;
    if (!option.short_name.empty()) {
        out.push_back("-" + option.short_name);
    }
    if (!option.long_name.empty()) {
        out.push_back("--" + option.long_name);
    }
    return out;
}

// How its value is completed.
std::string bash_value(OptionInfo const& value) {
    if (!value.words.empty()) {
        return fmt::format("words='{}'", joined(value.words));
    }
    if (value.type == "FILE") {
        return "kind=file";
    }
    return value.type == "MODEL" ? "kind=model" : "kind=value";
}

std::string bash_command(CommandInfo const& command) {
    std::vector<std::string> all;
    std::vector<std::string> commands;
    std::string values;
    for (auto const& option : command.options) {
        auto const names = names_of(option);
        all.insert(all.end(), names.begin(), names.end());
        if (!option.type.empty()) {
            values += fmt::format(
                "                {}) {} ;;\n", joined(names, " | "), bash_value(option)
            );
        }
    }
    for (auto const& below : command.commands) {
        commands.push_back(below.name);
    }
    if (!command.positionals.empty()) {
        values += fmt::format(
            "                *) [[ $cur == -* ]] || {} ;;\n",
            bash_value(command.positionals.front())
        );
    }
    std::string out = fmt::format("        '{}')\n", command.path);
    out += fmt::format("            options='{}'\n", joined(all));
    if (!commands.empty()) {
        out += fmt::format("            commands='{}'\n", joined(commands));
    }
    if (!values.empty()) {
        out += "            case $prev in\n" + values + "            esac\n";
    }
    return out + "            ;;\n";
}

// For single quotes of fish.
std::string fish_quoted(std::string const& text) {
    std::string out = "'";
    for (char const c : text) {
        out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return out + "'";
}

std::string fish_value(OptionInfo const& value) {
    if (!value.words.empty()) {
        return " -a " + fish_quoted(joined(value.words));
    }
    if (value.type == "FILE") {
        return " -F";
    }
    return value.type == "MODEL" ? " -a '(__plimsoll_models)'" : "";
}

std::string fish_command(CommandInfo const& command) {
    std::string const at =
        fmt::format("complete -c plimsoll -n '__plimsoll_at \"{}\"'", command.path);
    std::string out;
    for (auto const& below : command.commands) {
        out += fmt::format("{} -a {} -d {}\n", at, below.name, fish_quoted(below.help));
    }
    for (auto const& option : command.options) {
        out += at;
        out += option.short_name.empty() ? "" : " -s " + option.short_name;
        out += option.long_name.empty() ? "" : " -l " + option.long_name;
        // -x: a value and no files; -r: a value, whose completion says which.
        out += option.type.empty()     ? ""
               : option.type == "FILE" ? " -r" + fish_value(option)
                                       : " -x" + fish_value(option);
        out += " -d " + fish_quoted(option.help) + "\n";
    }
    for (auto const& positional : command.positionals) {
        if (auto const value = fish_value(positional); !value.empty()) {
            out += at + value + "\n";
        }
    }
    return out;
}

}  // namespace

std::string bash_completion(CommandInfo const& root) {
    std::vector<std::string> paths;
    std::string commands;
    walk(root, [&](CommandInfo const& command) {
        if (&command != &root) {
            paths.push_back("'" + command.path + "'");
        }
        commands += bash_command(command);
    });
    return fmt::format(
        "{}            {})\n                path+=\" ${{COMP_WORDS[i]}}\"\n                ;;\n"
        "        esac\n    done\n    case $path in\n{}{}",
        kBashHead,
        joined(paths, " | \\\n                "),
        commands,
        kBashTail
    );
}

std::string fish_completion(CommandInfo const& root) {
    std::string paths = "\nset -g __plimsoll_paths";
    std::string commands;
    walk(root, [&](CommandInfo const& command) {
        paths += " '" + command.path + "'";
        commands += fish_command(command);
    });
    return kFishHead + paths + "\n\n" + commands;
}

}  // namespace plimsoll::app
