// replay: what the scheduler decided in a recording, and whether it would decide so again.

#include "app/cli_tree.hpp"

#include <plimsoll/base/text.hpp>

#include <memory>

namespace plimsoll::app {
namespace {

constexpr char const* kFooter =
    "The recording is made by `plimsoll serve --record FILE`. All of it goes through a fresh "
    "scheduler, whatever\n"
    "part is shown. Exit status 0: every decision was the same again; 1: one was not; 2: the file "
    "is no recording.\n"
    "\n"
    "Examples:\n"
    "  plimsoll replay day.rec --quiet\n"
    "  plimsoll replay day.rec --from 3600 --to 3660 --model gemma3:4b";

struct ReplayTexts {
    ReplayOptions options;
    std::string from, to;

    [[nodiscard]] ReplayOptions read() const;
};

Duration time_in(char const* flag, std::string const& text) {
    auto const time = parse_duration(text);
    if (!time) {
        throw CLI::ValidationError(
            flag, "\"" + printable(text, 40) + "\" is no time; write seconds, or 1h30m"
        );
    }
    return *time;
}

ReplayOptions ReplayTexts::read() const {
    ReplayOptions out = options;
    if (!from.empty()) {
        out.from = time_in("--from", from);
    }
    if (!to.empty()) {
        out.to = time_in("--to", to);
    }
    if (out.to && *out.to < out.from) {
        throw CLI::ValidationError("--to", to + " lies before --from " + from);
    }
    return out;
}

}  // namespace

void add_replay(CLI::App& root, Command& out) {
    auto* app =
        root.add_subcommand("replay", "What a recorded scheduler decided, and if it would again");
    auto texts = std::make_shared<ReplayTexts>();
    auto& options = texts->options;
    app->add_option("file", options.file, "Recording of plimsoll serve --record")
        ->required()
        ->type_name("FILE");
    app->add_option("--from", texts->from, "Show what was decided from then on, since the start")
        ->type_name("SECONDS");
    app->add_option("--to", texts->to, "Show what was decided until then")->type_name("SECONDS");
    app->add_option("--model", options.model, "Show what was decided for this model")
        ->type_name("NAME");
    app->add_flag("--quiet", options.quiet, "Only the summary");
    app->add_flag("--json", options.json, "JSON instead of lines");
    app->footer(kFooter);
    app->callback([texts, &out] { out = texts->read(); });
}

}  // namespace plimsoll::app
