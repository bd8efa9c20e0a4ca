#pragma once
// The dashboard: files of src/control/page, embedded. The same bytes for everybody, and no data in
// them.

#include <plimsoll/base/embedded.hpp>
#include <plimsoll/http/head.hpp>
#include <plimsoll/http/reply.hpp>

#include <optional>
#include <span>
#include <string_view>

namespace plimsoll::control {

std::span<EmbeddedFile const> page_files();

// The file called `name` with its type, its ETag and what keeps a page from harm; 304 without a
// body where the client's If-None-Match names it. nullopt: no such file.
std::optional<http::Reply> page_reply(std::string_view name, http::Fields const& request);

}  // namespace plimsoll::control
