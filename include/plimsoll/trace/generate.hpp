#pragma once
// A load that nobody recorded: a few numbers in, a workload out. Equal specifications give equal
// workloads. Pure.

#include <plimsoll/base/result.hpp>
#include <plimsoll/trace/csv.hpp>
#include <plimsoll/trace/workload.hpp>

#include <string_view>

namespace plimsoll::trace {

// "models=8,clients=20,rate=0.2,seconds=3600,seed=1,zipf=1.1,answer=20"; what is left out has its
// default:
//   models=8           their number; model-1 is asked for most
//   clients=20         their number; each asks as often as any other
//   rate=0.2           requests a second, of all clients together; they arrive as a Poisson process
//   seconds=3600       for how long they arrive
//   zipf=1.1           popularity: model k is asked for in proportion to 1 / k^zipf; 0: all alike
//   answer=20          mean length of an answer in seconds
//   lengths=lognormal  lognormal (a few long ones), exponential, or equal
//   sizes=2GiB..20GiB  from the first to the last, evenly by their logarithm; or 4GiB/8GiB/20GiB:
//                      one after the other, and again from the first
//   seed=1             of everything random
// Load times come from the sizes, and sizes by name win, both as of tables. Errors: Invalid, with
// the part, its value and what it may be.
Result<Workload> generate(std::string_view specification, CsvOptions const& options);

}  // namespace plimsoll::trace
