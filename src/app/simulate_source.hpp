#pragma once
// Where the requests of `plimsoll simulate` come from: a table, a recording, or numbers.

#include "app/options.hpp"

#include <plimsoll/core/config.hpp>
#include <plimsoll/trace/workload.hpp>

#include <string>

namespace plimsoll::app {

struct SimulateSource {
    trace::Workload workload;
    // What no flag changes: of a recording its own settings, with its budget; else the defaults,
    // with none.
    core::SchedulerConfig config;
    std::string note;  // for people, to standard error; empty: none
};

// Errors: Io, Invalid; they name the file.
Result<SimulateSource> read_source(SimulateOptions const& options);

}  // namespace plimsoll::app
