#pragma once
// W3C Trace Context: which trace a request belongs to. Pure.

#include <plimsoll/http/head.hpp>

#include <string>
#include <string_view>

namespace plimsoll::http {

// The fields as they came; both empty where `traceparent` is absent, twice there or malformed.
struct TraceContext {
    std::string parent;
    std::string state;
};

TraceContext read_trace_context(Fields const& fields);
// The 32 hex digits of the trace, within the field's value; empty where read_trace_context() is.
std::string_view trace_id(Fields const& fields);

}  // namespace plimsoll::http
