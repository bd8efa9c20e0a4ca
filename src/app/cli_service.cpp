// health, completion and man: what containers, packages and service managers call.

#include "app/cli.hpp"
#include "app/cli_tree.hpp"
#include "app/command_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <memory>
#include <string_view>

namespace plimsoll::app {
namespace {

std::vector<std::string> words_of(CLI::Option& option) {
    std::vector<std::string> out;
    try {
        for (int i = 0;; ++i) {  // there is no count of them
            std::string_view name = option.get_validator(i)->get_name();
            if (!name.starts_with(kWordsMark)) {
                continue;
            }
            name.remove_prefix(std::string_view(kWordsMark).size());
            for (auto const word : split(name, '|')) {
                if (!word.empty()) {
                    out.emplace_back(word);
                }
            }
        }
    } catch (CLI::OptionNotFound const&) {
        return out;
    }
}

OptionInfo describe(CLI::Option& option) {
    OptionInfo out;
    if (option.get_items_expected_max() > 0) {
        out.type = option.get_type_name();
    }
    if (!option.nonpositional()) {
        out.long_name = out.type;
    } else if (!option.get_lnames().empty()) {
        out.long_name = option.get_lnames().front();
    }
    if (!option.get_snames().empty()) {
        out.short_name = option.get_snames().front();
    }
    out.help = option.get_description();
    out.words = words_of(option);
    out.is_required = option.get_required();
    return out;
}

CommandInfo describe(CLI::App& app, std::string const& above) {
    CommandInfo out;
    out.name = app.get_name();
    out.path = above.empty() ? out.name : above + " " + out.name;
    out.help = app.get_description();
    out.footer = app.get_footer();
    for (auto* option : app.get_options()) {
        (option->nonpositional() ? out.options : out.positionals).push_back(describe(*option));
    }
    for (auto* command :
         app.get_subcommands([](CLI::App* one) { return !one->get_name().empty(); })) {
        out.commands.push_back(describe(*command, out.path));
    }
    return out;
}

}  // namespace

void add_health(CLI::App& root, Command& out, std::string const& default_url) {
    auto* app = root.add_subcommand("health", "Whether Plimsoll answers, by its exit status");
    auto options = std::make_shared<HealthOptions>();
    options->url = default_url;
    app->add_flag("--ready", options->is_ready, "Whether its upstreams answer, too");
    app->add_option(
           "--url", options->url, "Plimsoll's address [$PLIMSOLL_URL or http://127.0.0.1:11435]"
    )
        ->type_name("URL");
    app->footer(
        "Exit status 0: it does; 1: it does not, with the reason on standard error.\n"
        "\n"
        "Examples:\n"
        "  plimsoll health\n"
        "  until plimsoll health --ready; do sleep 1; done"
    );
    app->callback([options, &out] { out = *options; });
}

void add_completion(CLI::App& root, Command& out) {
    auto* app = root.add_subcommand("completion", "Print the completion script of a shell");
    auto shell = std::make_shared<std::string>();
    app->add_option("shell", *shell, "bash, zsh or fish")
        ->required()
        ->type_name("SHELL")
        ->check(suggest({"bash", "zsh", "fish"}))
        ->check(unnamed(CLI::IsMember({"bash", "zsh", "fish"})));
    app->footer(
        "The Debian package has them installed already.\n"
        "\n"
        "Examples:\n"
        "  source <(plimsoll completion bash)\n"
        "  plimsoll completion zsh > ~/.zfunc/_plimsoll\n"
        "  plimsoll completion fish > ~/.config/fish/completions/plimsoll.fish"
    );
    app->callback([&root, shell, &out] {
        auto const tree = describe(root, {});
        out = PrintOptions{
            *shell == "bash"  ? bash_completion(tree)
            : *shell == "zsh" ? zsh_completion(tree)
                              : fish_completion(tree)
        };
    });
}

void add_man(CLI::App& root, Command& out) {
    auto* app = root.add_subcommand("man", "Print the manual page, for man to show");
    app->footer("Example:\n  plimsoll man | man -l -");
    app->callback([&root, &out] {
        out = PrintOptions{man_page(describe(root, {}), std::string(version()))};
    });
}

}  // namespace plimsoll::app
