// plimsoll(1) in the macros of man(7).

#include "app/command_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <string_view>

namespace plimsoll::app {
namespace {

constexpr char const* kDescription = R"j(.SH DESCRIPTION
Plimsoll is a daemon in front of one or more Ollama servers.
It relays their whole API, and decides which models are in the memory of the cards, so that a configured budget is
never exceeded: it loads and unloads models, lets requests wait in a fair queue, and says why.
.PP
.B plimsoll serve
is the daemon.
All other commands talk to a running one, or work on files.
)j";

constexpr char const* kTail = R"j(.SH ENVIRONMENT
.TP
.B PLIMSOLL_URL
Where the commands find the daemon, instead of http://127.0.0.1:11435.
.TP
.B NO_COLOR
Not empty: no colours in a terminal.
.TP
.B PLIMSOLL_CONFIG
The configuration file, where \-\-config names none.
.TP
.BI PLIMSOLL_ SECTION _ KEY
Any setting, over the file and below a flag: PLIMSOLL_SERVER_MAX_BODY=1GiB.
.TP
.BR NOTIFY_SOCKET ", " WATCHDOG_USEC ", " LISTEN_FDS
Set by systemd: where readiness and signs of life are told, how often, and sockets that it has opened already.
.SH FILES
.TP
.I $XDG_CONFIG_HOME/plimsoll/plimsoll.toml
The configuration of a user; ~/.config without the variable.
.TP
.I /etc/plimsoll/plimsoll.toml
The configuration of the service.
.TP
.I /etc/plimsoll/takeover.json
What
.B plimsoll takeover
wrote over what, for \-\-undo.
.TP
.I /var/lib/plimsoll/state.db
What the service has measured, and its runs of chains.
Else $XDG_STATE_HOME/plimsoll/state.db, or ~/.local/state/plimsoll/state.db.
.SH SIGNALS
.TP
.BR SIGTERM ", " SIGINT
End: running answers finish within server.drain_timeout, idle models are handed back to Ollama.
A second one ends at once.
.TP
.B SIGHUP
Read the configuration anew.
One with problems changes nothing; they are in the log.
.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
It did not work; the reason is on standard error.
.TP
.B 2
The command line or the configuration is wrong.
.TP
.B 70
An unexpected failure.
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
.PP
Documentation in
.IR /usr/share/doc/plimsoll .
)j";

// Text that groff takes as it is.
std::string escaped(std::string_view text) {
    std::string out;
    for (char const c : text) {
        switch (c) {
            case '\\':
                out += "\\e";
                break;
            case '-':
                out += "\\-";
                break;
            case '\'':
                out += "\\(aq";
                break;
            case '`':
                out += "\\(ga";
                break;
            case '^':
                out += "\\(ha";
                break;
            case '~':
                out += "\\(ti";
                break;
            default:
                out += c;
        }
    }
    // A leading dot would be a request.
    return out.starts_with('.') ? "\\&" + out : out;
}

std::string option_name(OptionInfo const& option) {
    std::string out;
    if (!option.short_name.empty()) {
        out += "\\fB\\-" + escaped(option.short_name) + "\\fR";
    }
    if (!option.long_name.empty()) {
        out += out.empty() ? "" : ", ";
        out += "\\fB\\-\\-" + escaped(option.long_name) + "\\fR";
    }
    return option.type.empty() ? out : out + " \\fI" + escaped(option.type) + "\\fR";
}

std::string synopsis(CommandInfo const& command) {
    std::string out = ".B " + escaped(command.path) + "\n";
    if (!command.options.empty()) {
        out += ".RI [ OPTIONS ]\n";
    }
    for (auto const& positional : command.positionals) {
        out += positional.is_required ? ".I " + escaped(positional.type) + "\n"
                                      : ".RI [ " + escaped(positional.type) + " ]\n";
    }
    return out;
}

// Footers are set by hand: what is indented stays as it is, the rest is filled.
std::string footer_text(std::string const& footer) {
    std::string out;
    bool is_literal = false;
    for (auto const line : split(footer, '\n')) {
        bool const is_indented = line.starts_with("  ");
        if (is_indented != is_literal) {
            out += is_indented ? ".PP\n.nf\n.RS 4\n" : ".RE\n.fi\n.PP\n";
            is_literal = is_indented;
        }
        if (is_indented) {
            out += escaped(line.substr(2)) + "\n";
        } else if (trim(line).empty()) {
            out += out.ends_with(".PP\n") ? "" : ".PP\n";
        } else {
            out += escaped(line) + "\n";
        }
    }
    return is_literal ? out + ".RE\n.fi\n" : out;
}

bool is_help(OptionInfo const& option) {
    return option.long_name == "help";
}

std::string options_text(CommandInfo const& command) {
    std::string out;
    for (auto const& positional : command.positionals) {
        out += fmt::format(
            ".TP\n\\fI{}\\fR\n{}\n", escaped(positional.type), escaped(positional.help)
        );
    }
    for (auto const& option : command.options) {
        if (!is_help(option)) {  // every command has it: said once
            out += fmt::format(".TP\n{}\n{}\n", option_name(option), escaped(option.help));
        }
    }
    return out;
}

void write(CommandInfo const& command, std::string& out) {
    out += fmt::format(".SS {}\n{}\n", escaped(command.path), escaped(command.help) + ".");
    if (command.commands.empty()) {
        out += ".PP\n" + synopsis(command);
    }
    out += options_text(command);
    if (!command.footer.empty()) {
        auto text = footer_text(command.footer);
        out += text.starts_with(".PP\n") ? text : ".PP\n" + text;
    }
    for (auto const& below : command.commands) {
        write(below, out);
    }
}

}  // namespace

std::string man_page(CommandInfo const& root, std::string const& version) {
    std::string out = fmt::format(
        ".\\\" As `plimsoll man` prints it.\n"
        ".TH PLIMSOLL 1 \"\" \"plimsoll {}\" \"User Commands\"\n"
        ".SH NAME\nplimsoll \\- keeps the models of Ollama within a VRAM budget\n"
        ".SH SYNOPSIS\n.B plimsoll\n.I COMMAND\n.RI [ OPTIONS ]\n",
        escaped(version)
    );
    out += kDescription;
    out += ".PP\n" + footer_text(root.footer);
    out += ".SH OPTIONS\n";
    for (auto const& option : root.options) {
        out += fmt::format(".TP\n{}\n{}\n", option_name(option), escaped(option.help));
    }
    out += ".SH COMMANDS\n";
    for (auto const& command : root.commands) {
        write(command, out);
    }
    return out + kTail;
}

}  // namespace plimsoll::app
