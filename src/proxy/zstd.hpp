#pragma once
// Request bodies compressed with zstd, on the routes where the upstream takes them. Pure.

#include <plimsoll/base/result.hpp>
#include <plimsoll/net/body.hpp>

#include <cstdint>
#include <string_view>

namespace plimsoll::proxy {

// Decodes all frames of `packed` into `out`. Errors: BadRequest (not zstd, or cut short), TooLarge
// (more than `limit` bytes come out; at most one block more than that was ever held).
Result<void> decode_zstd(std::string_view packed, std::uint64_t limit, net::Body& out);

}  // namespace plimsoll::proxy
