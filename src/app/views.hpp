#pragma once
// The control API's answers as text for people. Pure.

#include "app/terminal.hpp"

#include <boost/json/value.hpp>

#include <string>

namespace plimsoll::app {

std::string render_status(boost::json::value const& status, Terminal const& terminal);
std::string render_models(boost::json::value const& models, Terminal const& terminal);
std::string render_queue(boost::json::value const& queue, Terminal const& terminal);
std::string render_plan(boost::json::value const& plan, Terminal const& terminal);
std::string render_estimate(boost::json::value const& estimate, Terminal const& terminal);
std::string render_cleanup(boost::json::value const& report, Terminal const& terminal);

// One sentence about one instance: "Loaded gemma3:12b: 8.9 GiB, context 4096, in 3.2 s".
std::string describe_instance(std::string_view verb, boost::json::value const& instance);

}  // namespace plimsoll::app
