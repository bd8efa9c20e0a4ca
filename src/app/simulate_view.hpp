#pragma once
// What `plimsoll simulate` shows: tables, a picture for the terminal, JSON and SVG. Pure.

#include "app/options.hpp"
#include "app/terminal.hpp"

#include <plimsoll/core/config.hpp>
#include <plimsoll/trace/summary.hpp>

#include <boost/json/object.hpp>

#include <string>
#include <vector>

namespace plimsoll::app {

// One set of settings and what came of it.
struct Variant {
    core::SchedulerConfig config;
    trace::Simulated simulated;
    trace::Summary summary;
};

// What a variant is called beside the others: what differs, or its budget.
std::string name_of(Variant const& variant, std::vector<Variant> const& all);
// A line a variant, then what the others change against the first, in words.
std::string render_variants(std::vector<Variant> const& variants, Terminal const& terminal);
// The twenty with the most requests.
std::string render_groups(Variant const& variant, GroupBy by, Terminal const& terminal);
// Time from left to right: a line for each of the twelve models with the most requests (when it was
// in memory and when it loaded), one for how many requests waited, one for the memory in use.
std::string render_picture(trace::Workload const& workload, Variant const& variant);
boost::json::object variants_json(
    trace::Workload const& workload, std::vector<Variant> const& variants
);
// The same picture as an SVG document, for every model.
std::string render_svg(trace::Workload const& workload, Variant const& variant);

}  // namespace plimsoll::app
