#pragma once
// The requests of a recording as a workload: what would other budgets have made of that day?

#include <plimsoll/base/result.hpp>
#include <plimsoll/core/config.hpp>
#include <plimsoll/trace/workload.hpp>

#include <cstddef>
#include <functional>
#include <istream>
#include <map>
#include <string>

namespace plimsoll::trace {

struct RecordedWorkload {
    Workload workload;
    core::SchedulerConfig config;  // in force when the recording began
    // Requests whose whole answer is not in the recording: refused, given up or failed, or running
    // at its end. Each is taken to last as long as its model's middle answer.
    std::size_t unanswered = 0;
    std::string missing_end;  // as RecordingReader's
};

// A model is one set of weights. Its charge is the largest that a request asked for, or `sizes` by
// its name; its load time the middle one of those measured, else what was expected. `pool` names
// one of several; empty: there is only one. Errors: Invalid, with line or pool and what to do.
Result<RecordedWorkload> workload_of(
    std::istream& recording,
    std::string const& pool,
    std::map<std::string, Bytes, std::less<>> const& sizes
);

}  // namespace plimsoll::trace
