// The daemon's scheduler against other ways of scheduling, on a real service's traffic: runs W1 to
// W6, each with mean, p99 and longest wait in seconds, and the number of loads.
//
//   bench_schedule [--json] [RUN...]
//   bench_schedule --dump RUN          the run's requests as CSV, sizes and budget in bytes

#include <plimsoll/trace/simulate.hpp>

#include "schedule/baselines.hpp"
#include "schedule/gentd.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace plimsoll;

struct Line {
    std::string policy;
    std::uint64_t loads = 0;
    double mean = 0, p99 = 0, longest = 0;
};

Line line_of(std::string policy, std::uint64_t loads, std::vector<Duration> waits) {
    Line line{std::move(policy), loads, 0, 0, 0};
    if (waits.empty()) {
        return line;
    }
    std::ranges::sort(waits);
    for (Duration const wait : waits) {
        line.mean += to_seconds(wait) / static_cast<double>(waits.size());
    }
    line.p99 = to_seconds(waits[waits.size() * 99 / 100]);
    line.longest = to_seconds(waits.back());
    return line;
}

core::SchedulerConfig config_of(bench::Run const& run) {
    core::SchedulerConfig config;
    config.budget = bench::budget_of(run);
    config.parallel = run.slots;
    // The traffic knows no limit of rows and no impatience, and the models' own estimates are none.
    config.max_loaded_models = 1'000;
    config.queue_limit = 1'000'000;
    return config;
}

Line line_of(
    std::string policy, trace::Workload const& workload, core::SchedulerConfig const& with
) {
    auto const simulated = trace::simulate(workload, with);
    std::vector<Duration> waits;
    for (trace::Passage const& passage : simulated.passages) {
        waits.push_back(passage.waited);
    }
    if (simulated.counters.violations > 0) {
        std::fprintf(stderr, "%s: the budget was exceeded\n", policy.c_str());
        std::exit(1);
    }
    return line_of(std::move(policy), simulated.counters.loads, std::move(waits));
}

std::vector<Line> measure(bench::Traffic const& traffic, bench::Run const& run) {
    auto workload = bench::workload_of(traffic, run);
    std::vector<Line> lines;
    for (auto const policy :
         {bench::Policy::Ollama,
          bench::Policy::OllamaJoined,
          bench::Policy::FifoLru,
          bench::Policy::Exclusive}) {
        auto baseline = bench::run_baseline(workload, policy, bench::budget_of(run), run.slots);
        lines.push_back(
            line_of(std::string(to_string(policy)), baseline.loads, std::move(baseline.waits))
        );
    }
    auto config = config_of(run);
    lines.push_back(line_of("Plimsoll", workload, config));
    config.keep_forever = true;
    lines.push_back(line_of("  kept for ever", workload, config));
    // What turns between clients cost (rule 8): the same as if all came from one.
    for (trace::Request& request : workload.requests) {
        request.client = "one";
    }
    lines.push_back(line_of("  and one client", workload, config));
    return lines;
}

// For bounds.py, so that it need not know how a run is made.
int dump(bench::Traffic const& traffic, std::vector<std::string_view> const& only) {
    auto const* const run = std::ranges::find_if(bench::kRuns, [&](bench::Run const& each) {
        return only.size() == 1 && each.name == only.front();
    });
    if (run == std::end(bench::kRuns)) {
        std::fprintf(stderr, "--dump takes one run, W1 to W6\n");
        return 1;
    }
    auto const workload = bench::workload_of(traffic, *run);
    std::puts("time,model,seconds,size,budget");
    for (trace::Request const& request : workload.requests) {
        trace::Model const& model = workload.models[request.model];
        std::printf(
            "%.9f,%s,%.9f,%llu,%llu\n",
            to_seconds(request.arrival),
            model.name.c_str(),
            to_seconds(request.service),
            static_cast<unsigned long long>(model.charge.count()),
            static_cast<unsigned long long>(bench::budget_of(*run).count())
        );
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    bool is_json = false;
    bool is_dump = false;
    std::vector<std::string_view> only;
    for (int i = 1; i < argc; ++i) {
        std::string_view const argument = argv[i];
        if (argument == "--json") {
            is_json = true;
        } else if (argument == "--dump") {
            is_dump = true;
        } else {
            only.push_back(argument);
        }
    }
    char const* const fixtures = std::getenv("PLIMSOLL_FIXTURES");
    std::string const folder = fixtures != nullptr ? fixtures : "../shared/fixtures";
    auto const traffic = bench::read_traffic(folder + "/traces/gentd26-requests.csv");
    if (!traffic) {
        std::fprintf(stderr, "%s\n", traffic.error().message.c_str());
        return 1;
    }
    if (is_dump) {
        return dump(*traffic, only);
    }
    for (bench::Run const& run : bench::kRuns) {
        if (!only.empty() && std::ranges::find(only, run.name) == only.end()) {
            continue;
        }
        for (Line const& line : measure(*traffic, run)) {
            std::printf(
                is_json
                    ? "{\"run\": \"%s\", \"policy\": \"%s\", \"loads\": %llu, \"mean_seconds\": "
                      "%.2f, \"p99_seconds\": %.1f, \"longest_seconds\": %.1f}\n"
                    : "%s  %-16s %7llu loads   mean %8.1f s   p99 %8.0f s   longest %8.0f s\n",
                run.name.data(),
                line.policy.c_str(),
                static_cast<unsigned long long>(line.loads),
                line.mean,
                line.p99,
                line.longest
            );
        }
    }
    return 0;
}
