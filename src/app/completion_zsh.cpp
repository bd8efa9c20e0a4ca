#include "app/command_tree.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <string_view>

namespace plimsoll::app {
namespace {

constexpr char const* kHead = R"j(#compdef plimsoll
# zsh completion for plimsoll, as `plimsoll completion zsh` prints it

_plimsoll_models() {
    local -a models
    models=(${(f)"$(timeout 2 plimsoll ps --json 2>/dev/null | grep -o '"name":"[^"]*"' | cut -d'"' -f4)"})
    compadd -a models
}
)j";

constexpr char const* kTail = R"j(
if [ "$funcstack[1]" = _plimsoll ]; then
    _plimsoll "$@"
else
    compdef _plimsoll plimsoll
fi
)j";

// Within single quotes, with a backslash before each of `special`.
std::string quoted(std::string_view text, std::string_view special) {
    std::string out;
    for (char const c : text) {
        if (c == '\'') {
            out += "'\\''";
            continue;
        }
        if (special.find(c) != std::string_view::npos || c == '\\') {
            out += '\\';
        }
        out += c;
    }
    return out;
}

std::string function_of(CommandInfo const& command) {
    std::string out = "_" + command.path;
    std::ranges::replace(out, ' ', '_');
    std::ranges::replace(out, '-', '_');
    return out;
}

// ":FILE:_files": what stands for a value, and how it is completed.
std::string value_of(OptionInfo const& value) {
    std::string how = " ";  // anything: only its type is shown
    if (!value.words.empty()) {
        how = fmt::format("({})", fmt::join(value.words, " "));
    } else if (value.type == "FILE") {
        how = "_files";
    } else if (value.type == "MODEL") {
        how = "_plimsoll_models";
    }
    return fmt::format(":{}:{}", quoted(value.type, ":"), how);
}

std::string option_line(OptionInfo const& option) {
    bool const takes_value = !option.type.empty();
    auto const text =
        fmt::format("[{}]{}'", quoted(option.help, "[]:"), takes_value ? value_of(option) : "");
    auto const long_form = "--" + option.long_name + (takes_value ? "=" : "");
    if (option.short_name.empty()) {
        return "'" + long_form + text;
    }
    return fmt::format(
        "'(-{0} --{1})'{{-{0}{2},{3}}}'{4}",
        option.short_name,
        option.long_name,
        takes_value ? "+" : "",
        long_form,
        text
    );
}

std::string arguments_of(CommandInfo const& command) {
    std::string out = command.commands.empty() ? "    _arguments" : "    _arguments -C";
    for (auto const& option : command.options) {
        out += " \\\n        " + option_line(option);
    }
    if (!command.commands.empty()) {
        return out + " \\\n        '1: :->command' \\\n        '*:: :->rest'\n";
    }
    for (auto const& positional : command.positionals) {
        out += " \\\n        '*" + value_of(positional) + "'";
    }
    return out + "\n";
}

void write(CommandInfo const& command, std::string& out) {
    out += fmt::format("\n{}() {{\n", function_of(command));
    if (!command.commands.empty()) {
        out += "    local curcontext=\"$curcontext\" state line\n    typeset -A opt_args\n";
    }
    out += arguments_of(command);
    if (!command.commands.empty()) {
        std::string described;
        std::string cases;
        for (auto const& below : command.commands) {
            described += fmt::format(
                "                '{}:{}'\n", quoted(below.name, ":"), quoted(below.help, "")
            );
            cases += fmt::format("                {}) {} ;;\n", below.name, function_of(below));
        }
        out += fmt::format(
            "    case $state in\n"
            "        command)\n"
            "            local -a commands\n"
            "            commands=(\n{}            )\n"
            "            _describe command commands\n"
            "            ;;\n"
            "        rest)\n"
            "            case $line[1] in\n{}            esac\n"
            "            ;;\n"
            "    esac\n",
            described,
            cases
        );
    }
    out += "}\n";
    for (auto const& below : command.commands) {
        write(below, out);
    }
}

}  // namespace

std::string zsh_completion(CommandInfo const& root) {
    std::string out = kHead;
    write(root, out);
    return out + kTail;
}

}  // namespace plimsoll::app
