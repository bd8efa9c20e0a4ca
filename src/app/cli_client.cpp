// The commands that talk to a running Plimsoll.

#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <array>
#include <memory>

namespace plimsoll::app {
namespace {

using Action = ClientOptions::Action;

struct ClientCommand {
    char const* name;
    Action action;
    bool takes_model;
    char const* help;
    char const* footer;
};

constexpr std::array kCommands = {
    ClientCommand{
        "status",
        Action::Status,
        false,
        "Budget, what is charged to it, upstreams and queue",
        "Examples:\n  plimsoll status\n  plimsoll status --json --url http://gpu-box:11435"
    },
    ClientCommand{
        "ps",
        Action::Ps,
        false,
        "Every model in memory: state, bytes, context, users, expiry",
        "CHARGE is what the budget holds for a model: the measured size, or the predicted one "
        "while it loads.\n"
        "\nExamples:\n  plimsoll ps\n  plimsoll ps --json | jq '.models[].name'"
    },
    ClientCommand{
        "queue",
        Action::Queue,
        false,
        "What waits, since when, and for what",
        "Examples:\n  plimsoll queue\n  watch -n 1 plimsoll queue"
    },
    ClientCommand{
        "plan",
        Action::Plan,
        false,
        "What would happen to a request for a model now: what goes, what is loaded, how long it "
        "waits",
        "Nothing is done. The times are those that the models usually take; others who come later "
        "may change them.\n"
        "\nExamples:\n  plimsoll plan gemma3:27b\n  plimsoll plan qwen3:8b mistral-small:22b "
        "--num-ctx 16384\n  plimsoll plan qwen3:32b --json | jq .wait_seconds"
    },
    ClientCommand{
        "load",
        Action::Load,
        true,
        "Load a model now; others make room as for any request",
        "Examples:\n  plimsoll load gemma3:12b\n  plimsoll load qwen3:8b --num-ctx 16384"
    },
    ClientCommand{
        "unload",
        Action::Unload,
        true,
        "Unload a model once its running answers are done",
        "Example:\n  plimsoll unload gemma3:12b"
    },
    ClientCommand{
        "pin",
        Action::Pin,
        true,
        "Load a model and keep it: it is never evicted while pinned",
        "Examples:\n  plimsoll pin nomic-embed-text\n  plimsoll pin qwen3:8b --for 1h --num-ctx "
        "8192"
    },
    ClientCommand{
        "unpin",
        Action::Unpin,
        true,
        "Take a pin off; the model stays until it expires or its room is needed",
        "Example:\n  plimsoll unpin qwen3:8b"
    },
    ClientCommand{
        "cleanup",
        Action::Cleanup,
        false,
        "Unload everything idle, and say what could not be unloaded",
        "Example:\n  plimsoll cleanup"
    },
};

struct Values {
    ClientOptions options;
    std::string duration;
};

void read_duration(Values& values) {
    if (values.duration.empty()) {
        return;
    }
    values.options.pin_for = parse_duration(values.duration);
    if (!values.options.pin_for || *values.options.pin_for <= Duration::zero()) {
        throw CLI::ValidationError(
            "--for",
            "\"" + printable(values.duration, 40) +
                "\" is no length of time; write 30m, 1h or 1h30m"
        );
    }
}

}  // namespace

void add_daemon(CLI::App& app, std::string& url, std::string& key_file) {
    app.add_option("--url", url, "Plimsoll's address [$PLIMSOLL_URL or http://127.0.0.1:11435]")
        ->type_name("URL");
    app.add_option("--key-file", key_file, "A file with the key to send [$PLIMSOLL_KEY]")
        ->type_name("FILE");
}

void add_client_commands(CLI::App& root, Command& out, std::string const& default_url) {
    for (auto const& command : kCommands) {
        auto* app = root.add_subcommand(command.name, command.help);
        auto values = std::make_shared<Values>();
        values->options.action = command.action;
        values->options.url = default_url;
        if (command.takes_model) {
            app->add_option("model", values->options.model, "Its name, as in `ollama list`")
                ->required()
                ->type_name("MODEL");
        }
        if (command.action == Action::Plan) {
            app->add_option(
                   "models", values->options.models, "Their names; each is asked by itself"
            )
                ->required()
                ->type_name("MODEL");
            app->add_option(
                   "--priority", values->options.priority, "low, normal or high [the model's]"
            )
                ->type_name("CLASS")
                ->check(suggest({"low", "normal", "high"}))
                ->check(unnamed(CLI::IsMember({"low", "normal", "high"})));
        }
        if (command.action == Action::Load || command.action == Action::Pin ||
            command.action == Action::Plan) {
            app->add_option(
                   "--num-ctx",
                   values->options.num_ctx,
                   "Context in tokens [the model's or the server's]"
            )
                ->type_name("TOKENS")
                ->check(unnamed(CLI::PositiveNumber));
        }
        if (command.action == Action::Pin) {
            app->add_option("--for", values->duration, "Length of the pin: 30m, 1h [until unpin]")
                ->type_name("TIME");
        }
        app->add_flag("--json", values->options.json, "Print the server's JSON instead of a table");
        add_daemon(*app, values->options.url, values->options.key_file);
        app->footer(command.footer);
        app->callback([values, &out] {
            read_duration(*values);
            out = values->options;
        });
    }
}

}  // namespace plimsoll::app
