#include "app/run.hpp"
#include "app/simulate_source.hpp"
#include "app/simulate_view.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/serialize.hpp>

#include <cstdio>
#include <fstream>

namespace plimsoll::app {
namespace {

constexpr int kBadInput = 2;

std::vector<core::SchedulerConfig> configs_of(
    SimulateOptions const& options, core::SchedulerConfig base
) {
    base.parallel = options.parallel.value_or(base.parallel);
    base.max_loaded_models = options.max_loaded.value_or(base.max_loaded_models);
    base.queue_limit = SIZE_MAX;  // who waits how long is the question
    if (options.keep_alive) {
        base.keep_forever = options.keep_alive->kind == core::KeepAlive::Kind::Forever;
        base.default_keep_alive = options.keep_alive->duration;
    }
    auto const or_base = [](auto const& given, auto const& otherwise) {
        return given.empty() ? std::vector{otherwise} : given;
    };
    std::vector<core::SchedulerConfig> all;
    for (Bytes const budget : or_base(options.budgets, base.budget)) {
        for (double const factor : or_base(options.quantum_factors, base.quantum_factor)) {
            for (Duration const patience : or_base(options.patiences, base.patience[1])) {
                core::SchedulerConfig& config = all.emplace_back(base);
                config.budget = budget;
                config.quantum_factor = factor;
                config.patience[1] = patience;
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
    auto const source = read_source(options);
    if (!source) {
        std::fprintf(stderr, "plimsoll simulate: %s\n", source.error().message.c_str());
        return kBadInput;
    }
    if (options.budgets.empty() && source->config.budget.is_zero()) {
        std::fprintf(
            stderr,
            "plimsoll simulate: what may the models take? say --budget 24GiB; only a recording "
            "brings its own\n"
        );
        return kBadInput;
    }
    std::fputs(source->note.c_str(), stderr);
    std::vector<Variant> variants;
    for (core::SchedulerConfig const& config : configs_of(options, source->config)) {
        auto simulated = trace::simulate(source->workload, config);
        auto summary = trace::summarize(source->workload, simulated, config.budget);
        variants.push_back({config, std::move(simulated), std::move(summary)});
    }
    print(options, source->workload, variants);
    if (!options.svg.empty()) {
        std::ofstream out(options.svg);
        out << render_svg(source->workload, variants.front());
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
