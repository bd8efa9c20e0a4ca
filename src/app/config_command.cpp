#include "app/application.hpp"
#include "app/run.hpp"

#include <cstdio>
#include <iostream>
#include <iterator>

namespace plimsoll::app {
namespace {

constexpr int kHasProblems = 2;

int report(std::vector<config::Problem> const& problems) {
    for (auto const& problem : problems) {
        std::fprintf(stderr, "%s\n", to_string(problem).c_str());
    }
    std::fprintf(
        stderr, "%zu %s\n", problems.size(), problems.size() == 1 ? "problem" : "problems"
    );
    return kHasProblems;
}

// `--config -` checks what comes on standard input, without environment and flags.
int check_standard_input() {
    std::string const text(std::istreambuf_iterator<char>(std::cin), {});
    auto parsed = config::parse(text, "standard input");
    if (!parsed) {
        return report(parsed.error());
    }
    config::Loaded loaded{.config = std::move(*parsed), .sources = {}, .origins = {}};
    auto const problems = config::take_in_secrets(loaded, key_file_of(loaded.config));
    if (!problems.empty()) {
        return report(problems);
    }
    std::printf("standard input: right\n");
    return 0;
}

int print(std::string const& text) {
    std::fputs(text.c_str(), stdout);
    return 0;
}

}  // namespace

int run_config(ConfigOptions const& options) {
    using Action = ConfigOptions::Action;
    if (options.action == Action::Reference) {
        return print(config::reference());
    }
    if (options.action == Action::Schema) {
        return print(config::json_schema());
    }
    bool const checks = options.action == Action::Check;
    if (checks && options.file && *options.file == "-") {
        return check_standard_input();
    }
    auto const loaded = load_config(options.file, options.flags);
    if (!loaded) {
        return report(loaded.error());
    }
    if (!checks) {
        return print(config::show(*loaded));
    }
    if (loaded->sources.empty()) {
        std::printf("no configuration file: the defaults are in force\n");
    }
    for (auto const& source : loaded->sources) {
        std::printf("%s: right\n", source.c_str());
    }
    return 0;
}

}  // namespace plimsoll::app
