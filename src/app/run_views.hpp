#pragma once
// Chains and their runs as text for people. Pure, but for the time zone.

#include "app/terminal.hpp"

#include <boost/json/value.hpp>

#include <optional>
#include <string>

namespace plimsoll::app {

std::string render_chains(boost::json::value const& chains, Terminal const& terminal);
std::string render_chain(boost::json::value const& chain, Terminal const& terminal);
std::string describe_saved(boost::json::value const& chain);

std::string render_runs(boost::json::value const& runs, Terminal const& terminal);
// The output stands at the end, as it is.
std::string render_run(boost::json::value const& run, Terminal const& terminal);
// What became of a run that was to be cancelled.
std::string describe_ended(boost::json::value const& run);

// "2026-11-26T09:54:36.25Z" to "2026-11-26 10:54:36" here; what is no such time as it is.
std::string local_time(std::string const& rfc3339);
// The same as seconds since 1970, with their fraction; nullopt for what is none.
std::optional<double> wall_seconds(std::string const& rfc3339);

}  // namespace plimsoll::app
