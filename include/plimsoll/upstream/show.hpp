#pragma once
// An answer of Ollama's POST /api/show, as the server gave it or as somebody saved it. Pure.

#include <plimsoll/base/result.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <string_view>

namespace plimsoll::upstream {

// Everything but name, digest and size, which only the list of stored models has. Unknown members
// are ignored, missing ones left empty. Error UpstreamProtocol: no JSON object.
Result<ModelInfo> read_show(std::string_view body);

}  // namespace plimsoll::upstream
