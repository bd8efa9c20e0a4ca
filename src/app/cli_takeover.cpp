// The command that changes services of the system.

#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <memory>

namespace plimsoll::app {

void add_takeover(CLI::App& root, Command& out) {
    auto* app = root.add_subcommand(
        "takeover", "Put Plimsoll where clients look for Ollama, and Ollama behind it"
    );

    struct Values {
        TakeoverOptions options;
        std::string patience;
    };

    auto values = std::make_shared<Values>();
    auto& options = values->options;
    auto* dry_run =
        app->add_flag("--dry-run", options.dry_run, "Print every file and command, do nothing");
    app->add_flag("--undo", options.undo, "Put everything back as it was before")
        ->excludes(dry_run);
    app->add_option(
           "--ollama-port", options.ollama_port, "Where Ollama goes [11433, or the next free below]"
    )
        ->type_name("PORT")
        ->check(unnamed(CLI::Range(1, 65535)));
    app->add_option(
           "--key-file",
           options.key_file,
           "Where Plimsoll has keys: a file with an operator's [$PLIMSOLL_KEY]"
    )
        ->type_name("FILE");
    app->add_option("--timeout", values->patience, "How long each may take to answer [1m]")
        ->type_name("TIME");
    app->add_option("--root", options.root, "Files of the system lie under it [/]")
        ->type_name("DIR");
    app->footer(
        "Needs systemd with the units ollama.service and plimsoll.service, and root. Both get a "
        "drop-in with\n"
        "their new address and are restarted; a request is sent through. If any step fails, all is "
        "put back.\n"
        "What was done is kept in /etc/plimsoll/takeover.json for --undo. Ollama restarts: running "
        "answers end.\n"
        "\n"
        "Examples:\n"
        "  plimsoll takeover --dry-run\n"
        "  sudo plimsoll takeover\n"
        "  sudo plimsoll takeover --undo"
    );
    app->callback([values, &out] {
        if (!values->patience.empty()) {
            auto const time = parse_duration(values->patience);
            if (!time || *time <= Duration::zero()) {
                throw CLI::ValidationError(
                    "--timeout",
                    "\"" + printable(values->patience, 40) + "\" is no length of time; write 1m"
                );
            }
            values->options.patience = *time;
        }
        out = values->options;
    });
}

}  // namespace plimsoll::app
