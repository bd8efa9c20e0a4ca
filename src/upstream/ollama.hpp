#pragma once
// The provider for Ollama: preloads and unloads through empty prompts with a keep-alive, reads
// /api/ps, /api/show and /api/tags.

#include <plimsoll/base/result.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <memory>

namespace plimsoll::upstream {

// Error Invalid: the URL.
Result<std::unique_ptr<Provider>> make_ollama(net::Loop& loop, UpstreamConfig const& config);

}  // namespace plimsoll::upstream
