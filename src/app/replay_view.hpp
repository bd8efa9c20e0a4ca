#pragma once
// What `plimsoll replay` shows: a line for each decision, and the summary. Pure.

#include "app/terminal.hpp"

#include <plimsoll/trace/recording.hpp>
#include <plimsoll/trace/replay.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace plimsoll::app {

// "Recorded by plimsoll 0.1.0 from 2026-11-23T14:57:08Z: ollama (budget 16 GiB)".
std::string render_header(trace::RecordingHeader const& header);
// One line: time, what, model, why; with the pool where there are several.
std::string render_decision(
    trace::Decision const& decision, trace::RecordingHeader const& header, Terminal const& terminal
);
std::string render_tally(trace::Replay const& replay, trace::RecordingHeader const& header);

boost::json::object decision_json(
    trace::Decision const& decision, trace::RecordingHeader const& header
);
// `missing_end` empty: the recording is whole.
boost::json::object summary_json(
    trace::Replay const& replay,
    trace::RecordingHeader const& header,
    std::string const& missing_end
);

}  // namespace plimsoll::app
