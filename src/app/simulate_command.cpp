#include "app/run.hpp"
#include "app/simulate_view.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/trace/csv.hpp>

#include <boost/json/serialize.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

namespace plimsoll::app {
namespace {

constexpr int kBadInput = 2;

Result<std::string> read_text(std::string const& file) {
    if (file == "-") {
        return std::string(std::istreambuf_iterator<char>(std::cin), {});
    }
    std::error_code failure;
    if (std::filesystem::is_directory(file, failure)) {
        return fail(Errc::Io, printable(file, 200) + " is a folder; name a CSV file");
    }
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return fail(Errc::Io, "cannot read " + printable(file, 200) + "; check its name");
    }
    return std::string(std::istreambuf_iterator<char>(in), {});
}

std::vector<core::SchedulerConfig> configs_of(SimulateOptions const& options) {
    std::vector<core::SchedulerConfig> all;
    for (Bytes const budget : options.budgets) {
        for (double const factor : options.quantum_factors) {
            for (Duration const patience : options.patiences) {
                core::SchedulerConfig config;
                config.budget = budget;
                config.quantum_factor = factor;
                config.patience[1] = patience;
                config.parallel = options.parallel;
                config.max_loaded_models = options.max_loaded;
                config.queue_limit = SIZE_MAX;  // who waits how long is the question
                config.keep_forever = !options.keep_alive;
                config.default_keep_alive = options.keep_alive.value_or(config.default_keep_alive);
                all.push_back(config);
            }
        }
    }
    return all;
}

void print(
    SimulateOptions const& options,
    trace::Workload const& workload,
    std::vector<Variant> const& variants
) {
    if (options.json) {
        std::printf("%s\n", boost::json::serialize(variants_json(workload, variants)).c_str());
        return;
    }
    Terminal const terminal = terminal_of(1);
    std::fputs(render_variants(variants, terminal).c_str(), stdout);
    for (Variant const& variant : variants) {
        bool const is_more = options.by != GroupBy::Nothing || options.picture;
        if (is_more && variants.size() > 1) {
            std::printf("\n%s\n", name_of(variant, variants).c_str());
        } else if (is_more) {
            std::printf("\n");
        }
        if (options.by != GroupBy::Nothing) {
            std::fputs(render_groups(variant, options.by, terminal).c_str(), stdout);
        }
        if (options.by != GroupBy::Nothing && options.picture) {
            std::printf("\n");
        }
        if (options.picture) {
            std::fputs(render_picture(workload, variant).c_str(), stdout);
        }
    }
}

}  // namespace

int run_simulate(SimulateOptions const& options) {
    auto const text = read_text(options.trace);
    if (!text) {
        std::fprintf(stderr, "plimsoll simulate: %s\n", text.error().message.c_str());
        return kBadInput;
    }
    auto const workload = trace::parse_csv(*text, options.csv);
    if (!workload) {
        std::fprintf(
            stderr,
            "plimsoll simulate: %s, %s\n",
            printable(options.trace, 200).c_str(),
            workload.error().message.c_str()
        );
        return kBadInput;
    }
    std::vector<Variant> variants;
    for (core::SchedulerConfig const& config : configs_of(options)) {
        auto simulated = trace::simulate(*workload, config);
        auto summary = trace::summarize(*workload, simulated, config.budget);
        variants.push_back({config, std::move(simulated), std::move(summary)});
    }
    print(options, *workload, variants);
    if (!options.svg.empty()) {
        std::ofstream out(options.svg);
        out << render_svg(*workload, variants.front());
        if (!out.flush()) {
            std::fprintf(
                stderr, "plimsoll simulate: cannot write %s\n", printable(options.svg, 200).c_str()
            );
            return 1;
        }
    }
    return 0;
}

}  // namespace plimsoll::app
