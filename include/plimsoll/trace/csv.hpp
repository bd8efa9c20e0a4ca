#pragma once
// Requests from a table of comma-separated values. Pure.

#include <plimsoll/base/result.hpp>
#include <plimsoll/trace/workload.hpp>

#include <map>
#include <string>
#include <string_view>

namespace plimsoll::trace {

struct CsvOptions {
    // By model, for tables without a column `size`; they win over that column.
    std::map<std::string, Bytes, std::less<>> sizes;
    // Where no column says how long a model loads: this, and its size by this many bytes a second.
    Duration load_base = std::chrono::milliseconds(500);
    double load_bandwidth = 2e9;
    Duration unload = std::chrono::seconds(1);
};

// The first line names the columns, in any order:
//   time      seconds since any moment, or "2026-11-23 16:57:50"; lines may be in any order
//   model     its name
//   seconds   how long the answer takes once the model is there
//   size      optional: bytes in memory, as "5.2GiB"; the last one given for a model counts
//   load_seconds, unload_seconds   optional, as size
//   client    optional: who asks; without it each request is somebody else's
//   priority  optional: low, normal or high
// Other columns are ignored. Cells cannot hold commas or quotes. Errors: Invalid, with the line and
// what is wrong with it: a missing column, a cell that does not parse, a model without a size.
Result<Workload> parse_csv(std::string_view text, CsvOptions const& options);

}  // namespace plimsoll::trace
