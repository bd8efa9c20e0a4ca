// The command line of `plimsoll key`.

#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <memory>

namespace plimsoll::app {
namespace {

using Action = KeyOptions::Action;

struct Texts {
    KeyOptions options;
    std::string role = "inference";
    std::string priority;
    std::string config;
    std::string file;

    KeyOptions read() {
        auto out = options;
        out.key.role = role == "admin"      ? access::Role::Admin
                       : role == "operator" ? access::Role::Operator
                                            : access::Role::Inference;
        if (!priority.empty()) {
            out.key.priority = priority == "low"    ? core::Priority::Low
                               : priority == "high" ? core::Priority::High
                                                    : core::Priority::Normal;
        }
        if (!config.empty()) {
            out.config = config;
        }
        if (!file.empty()) {
            out.file = file;
        }
        if (out.key.role == access::Role::Admin && !out.key.models.empty()) {
            throw CLI::ValidationError(
                "--models", "an admin reaches every model; take --models away or another --role"
            );
        }
        return out;
    }
};

void add_name(CLI::App& app, Texts& texts) {
    app.add_option("name", texts.options.key.name, "What it is called in logs and queue")
        ->required()
        ->type_name("NAME")
        ->check(unnamed(CLI::Validator(
            [](std::string const& text) {
                return access::is_key_name(text)
                           ? std::string()
                           : "\"" + printable(text, 40) +
                                 "\" is no name; write letters, digits, \".\", \"_\" and \"-\"";
            },
            ""
        )));
}

void add_properties(CLI::App& app, Texts& texts) {
    auto& key = texts.options.key;
    app.add_option("--role", texts.role, "What it may: inference, operator or admin [inference]")
        ->type_name("ROLE")
        ->check(unnamed(CLI::IsMember({"inference", "operator", "admin"})));
    app.add_option("--models", key.models, "Only these, such as 'qwen*'; several times [all]")
        ->type_name("PATTERN")
        ->expected(1)
        ->check(unnamed(CLI::Validator(
            [](std::string const& text) {
                return access::is_model_pattern(text)
                           ? std::string()
                           : "\"" + printable(text, 40) + "\" is no pattern of model names";
            },
            ""
        )))
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_option(
           "--priority", texts.priority, "Class of its requests, and the highest: low, normal, high"
    )
        ->type_name("CLASS")
        ->check(unnamed(CLI::IsMember({"low", "normal", "high"})));
    app.add_option("--requests-per-minute", key.requests_per_minute, "429 above [no limit]")
        ->type_name("N")
        ->check(unnamed(CLI::Range(1, 100'000)));
    app.add_option("--max-concurrent", key.max_concurrent, "429 above [no limit]")
        ->type_name("N")
        ->check(unnamed(CLI::Range(1, 100'000)));
}

void add_place(CLI::App& app, Texts& texts) {
    app.add_option("--config", texts.config, "Configuration that says where keys lie")
        ->type_name("FILE");
    app.add_option("--file", texts.file, "Where keys lie [keys.toml beside the state file]")
        ->type_name("FILE");
}

CLI::App* add_one(
    CLI::App& parent,
    std::shared_ptr<Texts> const& texts,
    Command& out,
    char const* name,
    Action action,
    char const* help
) {
    auto* app = parent.add_subcommand(name, help);
    texts->options.action = action;
    app->callback([texts, &out] { out = texts->read(); });
    return app;
}

void add_create(CLI::App& parent, Command& out) {
    auto texts = std::make_shared<Texts>();
    auto* app =
        add_one(parent, texts, out, "create", Action::Create, "Make a key and print it, this once");
    add_name(*app, *texts);
    add_properties(*app, *texts);
    add_place(*app, *texts);
    app->add_flag("--json", texts->options.json, "JSON, with the key in \"key\"");
    app->footer(
        "The key goes to standard output, all else to standard error. Only its hash is kept.\n"
        "inference: use models. operator: also load, pull, pin, and see what goes on. admin: "
        "everything.\n"
        "\nExamples:\n  plimsoll key create me --role admin\n  plimsoll key create team --models "
        "'qwen*' --models 'chain/*' --max-concurrent 4"
    );
}

void add_list_and_revoke(CLI::App& parent, Command& out) {
    auto texts = std::make_shared<Texts>();
    auto* app =
        add_one(parent, texts, out, "list", Action::List, "Every key: role, models, limits");
    add_place(*app, *texts);
    app->add_flag("--json", texts->options.json, "JSON instead of a table");
    app->footer("Example:\n  plimsoll key list --json | jq '.keys[].name'");

    texts = std::make_shared<Texts>();
    app = add_one(parent, texts, out, "revoke", Action::Revoke, "Take a key away");
    add_name(*app, *texts);
    add_place(*app, *texts);
    app->footer("Example:\n  plimsoll key revoke open-webui && systemctl reload plimsoll");
}

void add_hash_and_rights(CLI::App& parent, Command& out) {
    auto texts = std::make_shared<Texts>();
    texts->options.key.name = "NAME";
    auto* app = add_one(
        parent,
        texts,
        out,
        "hash",
        Action::Hash,
        "Print the [[key]] table for a key on standard input"
    );
    app->add_option("--name", texts->options.key.name, "Its name [NAME]")->type_name("NAME");
    add_properties(*app, *texts);
    app->footer(
        "For a configuration that is kept by hand or by a tool.\n"
        "\nExample:\n  openssl rand -base64 32 | tee secret | plimsoll key hash --name ci >> "
        "plimsoll.toml"
    );

    texts = std::make_shared<Texts>();
    app = add_one(
        parent, texts, out, "rights", Action::Rights, "Which role each method and path needs"
    );
    app->add_flag("--json", texts->options.json, "JSON instead of a table");
    app->footer("Example:\n  plimsoll key rights | grep /plimsoll");
}

}  // namespace

void add_key(CLI::App& root, Command& out) {
    auto* parent = root.add_subcommand("key", "Make, list and revoke keys for those who call");
    parent->require_subcommand(1);
    parent->footer(
        "Without any key everybody who reaches Plimsoll may do everything. Once there is one, each "
        "request needs one:\nAuthorization: Bearer KEY, or x-api-key: KEY.\n"
        "\nExamples:\n  plimsoll key create open-webui --role inference\n  plimsoll key create "
        "batch --models 'qwen*' --priority low --requests-per-minute 60\n  plimsoll key list"
    );

    add_create(*parent, out);
    add_list_and_revoke(*parent, out);
    add_hash_and_rights(*parent, out);
}

}  // namespace plimsoll::app
