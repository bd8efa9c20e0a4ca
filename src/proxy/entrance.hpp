#pragma once
// What the routes of the model servers need, and what a head presents. Pure.

#include <plimsoll/access/guard.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/http/head.hpp>
#include <plimsoll/http/route.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::proxy {

// Of every path but our own. What is not known to us needs the most.
access::Need need_of(http::Method method, std::string_view path);

// The secrets in Authorization (scheme Bearer) and x-api-key; none of a field that stands twice.
std::vector<std::string_view> secrets_of(http::Fields const& fields);

// Every name in a body that may name models (show, and what changes the stored models), whatever is
// to be done with it. Error BadRequest: the body cannot be read.
Result<std::vector<std::string>> named_models(std::string_view body);

// The value of Priority (RFC 9218) that means this class.
std::string_view urgency_of(core::Priority priority);

}  // namespace plimsoll::proxy
