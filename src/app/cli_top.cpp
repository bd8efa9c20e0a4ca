// The live view.

#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <memory>

namespace plimsoll::app {
namespace {

constexpr Duration kLeastInterval = std::chrono::milliseconds(100);
constexpr Duration kMostInterval = std::chrono::minutes(1);

}  // namespace

void add_top(CLI::App& root, Command& out, std::string const& default_url) {
    auto* app = root.add_subcommand(
        "top", "Watch models, queue and decisions live, and load, unload and pin by key"
    );

    struct Values {
        TopOptions options;
        std::string interval;
    };

    auto values = std::make_shared<Values>();
    values->options.url = default_url;
    add_daemon(*app, values->options.url, values->options.key_file);
    app->add_option("--interval", values->interval, "How often it looks, besides events [1s]")
        ->type_name("TIME");
    app->add_flag("--once", values->options.once, "Print one frame as plain text");
    app->footer(
        "Keys: arrows or j and k choose a model, u unloads it, p pins or unpins it, l loads one, c "
        "unloads all that\n"
        "is idle, f filters, ? lists all keys, q ends. NO_COLOR=1 leaves colours out.\n"
        "\n"
        "Examples:\n"
        "  plimsoll top\n"
        "  plimsoll top --url http://gpu-box:11435 --interval 500ms\n"
        "  plimsoll top --once"
    );
    app->callback([values, &out] {
        if (!values->interval.empty()) {
            auto const time = parse_duration(values->interval);
            if (!time || *time < kLeastInterval || *time > kMostInterval) {
                throw CLI::ValidationError(
                    "--interval",
                    "\"" + printable(values->interval, 40) +
                        "\" is no length of time from 100ms to 1m"
                );
            }
            values->options.interval = *time;
        }
        out = values->options;
    });
}

}  // namespace plimsoll::app
