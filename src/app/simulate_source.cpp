#include "app/simulate_source.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/trace/csv.hpp>
#include <plimsoll/trace/from_recording.hpp>
#include <plimsoll/trace/generate.hpp>

#include <spdlog/fmt/fmt.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>
#include <utility>

namespace plimsoll::app {
namespace {

std::string note_of(trace::RecordedWorkload const& recorded) {
    std::string note;
    if (recorded.unanswered > 0) {
        note = fmt::format(
            "{} of {} requests have no whole answer in the recording; each is taken to last as "
            "long as its model's middle one\n",
            recorded.unanswered,
            recorded.workload.requests.size()
        );
    }
    if (!recorded.missing_end.empty()) {
        note += "the recording's end is missing: " + recorded.missing_end + "\n";
    }
    return note;
}

// A recording is lines of JSON, and no table begins with a brace.
Result<SimulateSource> read_trace(std::istream& in, SimulateOptions const& options) {
    SimulateSource out;
    if (in.peek() == '{') {
        auto recorded = trace::workload_of(in, options.pool, options.csv.sizes);
        if (!recorded) {
            return fail(recorded.error());
        }
        out.note = note_of(*recorded);
        out.workload = std::move(recorded->workload);
        out.config = recorded->config;
        return out;
    }
    auto workload =
        trace::parse_csv(std::string(std::istreambuf_iterator<char>(in), {}), options.csv);
    if (!workload) {
        return fail(workload.error());
    }
    out.workload = std::move(*workload);
    return out;
}

}  // namespace

Result<SimulateSource> read_source(SimulateOptions const& options) {
    if (options.trace.empty()) {
        auto workload = trace::generate(options.generate, options.csv);
        if (!workload) {
            return fail(std::move(workload).error().context("--generate"));
        }
        SimulateSource out;
        out.workload = std::move(*workload);
        return out;
    }
    std::string const name = printable(options.trace, 200);
    std::ifstream file;
    if (options.trace != "-") {
        std::error_code failure;
        if (std::filesystem::is_directory(options.trace, failure)) {
            return fail(Errc::Io, name + " is a folder; name a CSV file or a recording");
        }
        file.open(options.trace, std::ios::binary);
        if (!file) {
            return fail(
                Errc::Io,
                "cannot read " + name + ": " + std::system_category().message(errno) +
                    "; check its name"
            );
        }
    }
    auto source = read_trace(options.trace == "-" ? std::cin : file, options);
    if (!source) {
        return fail(source.error().code, name + ", " + source.error().message);
    }
    return source;
}

}  // namespace plimsoll::app
