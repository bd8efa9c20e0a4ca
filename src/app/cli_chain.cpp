// chain and runs.

#include "app/chain_source.hpp"
#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <array>
#include <memory>

namespace plimsoll::app {
namespace {

using Action = ChainOptions::Action;
using RunsAction = RunsOptions::Action;

constexpr char const* kChainFooter =
    "A chain is a list of prompts, each with its model, in JSON or TOML; what one answers the next "
    "is given.\n"
    "Plimsoll loads each model in time and unloads it when no later step wants it.\n"
    "\n"
    "Examples:\n"
    "  plimsoll chain run summary.toml --input \"$(cat report.txt)\"\n"
    "  plimsoll chain save summary summary.toml && plimsoll chain run summary < report.txt";

struct ChainCommand {
    char const* name;
    Action action;
    char const* help;
    char const* footer;
};

constexpr std::array kCommands = {
    ChainCommand{
        "run",
        Action::Run,
        "Run a chain from a file, or a saved one, and print what its last step says",
        "FILE is a path that is there, or ends in .json or .toml, or - for standard input; else it "
        "is a NAME.\n"
        "Progress goes to standard error, the final text alone to standard output. Without "
        "--input, "
        "standard\n"
        "input is read if it is no terminal. Ctrl-C cancels the run.\n"
        "Exit status 0: it succeeded; 1: it failed or was cancelled.\n"
        "\n"
        "Examples:\n"
        "  plimsoll chain run draft.toml --input \"Ships and how they are loaded\"\n"
        "  plimsoll chain run summary --var language=German < report.txt > summary.txt\n"
        "  plimsoll chain run summary --input - --json < report.txt | jq '.steps[].seconds'"
    },
    ChainCommand{
        "list",
        Action::List,
        "Saved chains, and whether they can be run",
        "Examples:\n  plimsoll chain list\n  plimsoll chain list --json | jq -r '.chains[].name'"
    },
    ChainCommand{
        "show",
        Action::Show,
        "The steps of a saved chain",
        "Examples:\n  plimsoll chain show summary\n  plimsoll chain show summary --json | jq "
        ".document > summary.json"
    },
    ChainCommand{
        "check",
        Action::Check,
        "Name every problem of a chain with its place, without running it",
        "Exit status 0: it can be run; 1: it has problems.\n"
        "\n"
        "Examples:\n  plimsoll chain check draft.toml\n  jq .document saved.json | plimsoll chain "
        "check -"
    },
    ChainCommand{
        "save",
        Action::Save,
        "Save a chain under a name; clients then find it as the model chain/NAME",
        "Example:\n  plimsoll chain save summary summary.toml"
    },
    ChainCommand{
        "delete",
        Action::Delete,
        "Delete a saved chain; its runs stay",
        "Example:\n  plimsoll chain delete summary"
    },
};

constexpr char const* kRunsFooter =
    "Examples:\n"
    "  plimsoll runs\n"
    "  plimsoll runs show 5f1c8d1e2b3a4c5d\n"
    "  plimsoll runs --limit 100 --json | jq '.runs[] | select(.status == \"failed\")'";

struct RunsCommand {
    char const* name;
    RunsAction action;
    char const* help;
    char const* footer;
};

constexpr std::array kRunsCommands = {
    RunsCommand{
        "show",
        RunsAction::Show,
        "What each step of a run took, and its output",
        "Example:\n  plimsoll runs show 5f1c8d1e2b3a4c5d"
    },
    RunsCommand{
        "cancel",
        RunsAction::Cancel,
        "End a run at once; what it holds is given back",
        "Example:\n  plimsoll runs cancel 5f1c8d1e2b3a4c5d"
    },
    RunsCommand{
        "resume",
        RunsAction::Resume,
        "Go on with a run that failed or was cancelled, at the first step that had not ended",
        "It is watched as by chain run, but Ctrl-C leaves it running.\n"
        "Exit status 0: it succeeded; 1: it failed, was cancelled, or cannot be resumed.\n"
        "\n"
        "Examples:\n  plimsoll runs resume 5f1c8d1e2b3a4c5d\n  plimsoll runs resume "
        "5f1c8d1e2b3a4c5d --detach"
    },
};

void require_name(std::string const& text, std::string const& what) {
    if (!is_plain_name(text)) {
        throw CLI::ValidationError(
            what, "\"" + printable(text, 80) + "\" is none: letters, digits, _ and -, at most 64"
        );
    }
}

struct ChainTexts {
    ChainOptions options;
    std::string what;  // FILE|NAME of run
    std::string input;
    std::vector<std::string> vars;

    ChainOptions read(bool has_input) {
        auto out = options;
        if (out.action == Action::Run) {
            bool const is_file = is_chain_file(what) || !is_plain_name(what);
            (is_file ? out.file : out.name) = what;
        }
        if (!out.name.empty() || out.action == Action::Show || out.action == Action::Delete) {
            require_name(out.name, "NAME");
        }
        if (has_input) {
            out.input = input;
        }
        if (out.file == "-" && out.input == "-") {
            throw CLI::ValidationError(
                "--input", "standard input cannot be both the chain and its input"
            );
        }
        for (auto const& var : vars) {
            auto const sign = var.find('=');
            if (sign == std::string::npos || sign == 0) {
                throw CLI::ValidationError(
                    "--var", "\"" + printable(var, 80) + "\" is no NAME=VALUE"
                );
            }
            out.vars[var.substr(0, sign)] = var.substr(sign + 1);
        }
        return out;
    }
};

void add_run_options(CLI::App& app, ChainTexts& texts) {
    app.add_option("chain", texts.what, "A file in JSON or TOML, or the name of a saved chain")
        ->required()
        ->type_name("FILE|NAME");
    app.add_option(
           "--input", texts.input, "What {input} of the first step becomes; -: standard input"
    )
        ->type_name("TEXT");
    app.add_option("--var", texts.vars, "What {vars.NAME} becomes; may be given again")
        ->type_name("NAME=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_flag("--json", texts.options.json, "Print the run with all its steps, as JSON");
    app.add_flag("--quiet", texts.options.quiet, "No progress on standard error");
}

}  // namespace

void add_chain(CLI::App& root, Command& out, std::string const& default_url) {
    auto* chain = root.add_subcommand("chain", "Chains of prompts: run, check and save them");
    chain->require_subcommand(1);
    chain->footer(kChainFooter);
    for (auto const& command : kCommands) {
        auto* app = chain->add_subcommand(command.name, command.help);
        auto texts = std::make_shared<ChainTexts>();
        texts->options.action = command.action;
        texts->options.url = default_url;
        bool const is_run = command.action == Action::Run;
        bool const takes_file = command.action == Action::Check || command.action == Action::Save;
        if (is_run) {
            add_run_options(*app, *texts);
        } else if (command.action != Action::List && command.action != Action::Check) {
            app->add_option("name", texts->options.name, "Its name: letters, digits, _ and -")
                ->required()
                ->type_name("NAME");
        }
        if (takes_file) {
            app->add_option("file", texts->options.file, "In JSON or TOML; -: standard input")
                ->required()
                ->type_name("FILE");
        }
        if (command.action == Action::List || command.action == Action::Show) {
            app->add_flag(
                "--json", texts->options.json, "Print the server's JSON instead of a table"
            );
        }
        add_daemon(*app, texts->options.url, texts->options.key_file);
        app->footer(command.footer);
        app->callback([app, texts, is_run, &out] {
            out = texts->read(is_run && app->count("--input") > 0);
        });
    }
}

void add_runs(CLI::App& root, Command& out, std::string const& default_url) {
    auto* runs =
        root.add_subcommand("runs", "Runs of chains: which there were, and what they took");
    runs->require_subcommand(0, 1);
    runs->footer(kRunsFooter);
    // Shared, so that --url and --json count before and behind the second word.
    auto values = std::make_shared<RunsOptions>();
    values->url = default_url;
    runs->add_option("--limit", values->limit, "So many at most, newest first [20]")
        ->type_name("N")
        ->check(unnamed(CLI::Range(1, 10'000)));
    auto const add_common = [values](CLI::App& app) {
        app.add_flag("--json", values->json, "Print the server's JSON instead of a table");
        add_daemon(app, values->url, values->key_file);
    };
    add_common(*runs);
    for (auto const& command : kRunsCommands) {
        auto* app = runs->add_subcommand(command.name, command.help);
        app->add_option("id", values->id, "As plimsoll runs lists it")->required()->type_name("ID");
        if (command.action == RunsAction::Resume) {
            app->add_flag("--quiet", values->quiet, "No progress on standard error");
            app->add_flag("--detach", values->detach, "Do not watch it");
        }
        add_common(*app);
        app->footer(command.footer);
        app->callback([values, action = command.action, &out] {
            require_name(values->id, "ID");
            values->action = action;
            out = *values;
        });
    }
    runs->callback([runs, values, &out] {
        if (runs->get_subcommands().empty()) {
            out = *values;
        }
    });
}

}  // namespace plimsoll::app
