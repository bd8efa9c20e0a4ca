#include "app/application.hpp"
#include "app/run.hpp"

#include <plimsoll/net/tls.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <algorithm>
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

// What only shows when the certificates are read, which the daemon does at its start.
std::vector<config::Problem> unusable_certificates(config::Loaded const& loaded) {
    std::vector<config::Problem> problems;
    auto const note = [&](std::string const& setting, Error const& error) {
        auto const found = loaded.origins.find(setting);
        auto const where = found == loaded.origins.end() ? std::string("default") : found->second;
        problems.push_back({.file = where, .line = 0, .text = error.message});
    };
    auto const& config = loaded.config;
    if (config.tls.files.is_set()) {
        if (auto const made = net::make_server_tls(config.tls.files); !made) {
            note("server.tls_certificate", made.error());
        }
    }
    for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
        auto const& upstream = config.upstreams[i].upstream;
        auto const url = upstream::parse_url(upstream.url);
        if (url && url->is_tls) {
            if (auto const made = net::make_client_tls(upstream.tls); !made) {
                note("upstream." + std::to_string(i) + ".url", made.error());
            }
        }
    }
    return problems;
}

// `--config -` checks what comes on standard input, without environment and flags.
int check_standard_input() {
    std::string const text(std::istreambuf_iterator<char>(std::cin), {});
    auto parsed = config::parse(text, "standard input");
    if (!parsed) {
        return report(parsed.error());
    }
    config::Loaded loaded{.config = std::move(*parsed), .sources = {}, .origins = {}};
    auto problems = config::take_in_secrets(loaded, key_file_of(loaded.config));
    std::ranges::move(unusable_certificates(loaded), std::back_inserter(problems));
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
    if (auto const problems = unusable_certificates(*loaded); !problems.empty()) {
        return report(problems);
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
