#include "upstream/load_error.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <array>

namespace plimsoll::upstream {
namespace {

// Ollama marks every loaded model for unloading on any of these, so missing one means a wrong
// picture of memory.
constexpr std::array<std::string_view, 9> kMemoryTexts = {
    "out of memory",
    "out-of-memory",
    "cudamalloc failed",
    "failed to allocate",
    "unable to allocate",
    "not enough memory",
    "insufficient memory",
    "requires more system memory",
    "outofdevicememory",
};

}  // namespace

bool smells_of_memory(std::string_view text) {
    auto const lower = to_lower(text);
    return std::ranges::any_of(kMemoryTexts, [&](std::string_view sign) {
        return lower.find(sign) != std::string::npos;
    });
}

LoadError classify_answer(unsigned status, std::string_view text) {
    LoadError error{.failure = core::LoadFailure::Refused, .text = std::string(text)};
    if (smells_of_memory(text)) {
        error.failure = core::LoadFailure::OutOfMemory;
    } else if (status == 404) {
        error.failure = core::LoadFailure::NotFound;
    } else if (status == 503) {
        error.failure = core::LoadFailure::Busy;
    } else if (text.find("timed out waiting for") != std::string_view::npos) {
        // The upstream's own stall limit.
        error.failure = core::LoadFailure::Timeout;
    }
    return error;
}

LoadError classify_failure(Error const& error) {
    LoadError out{.failure = core::LoadFailure::UpstreamDown, .text = error.message};
    if (error.code == Errc::Cancelled) {
        out.failure = core::LoadFailure::Aborted;
    } else if (error.code == Errc::Timeout) {
        out.failure = core::LoadFailure::Timeout;
    } else if (error.code == Errc::UpstreamProtocol || error.code == Errc::TooLarge) {
        out.failure = core::LoadFailure::Refused;
    }
    return out;
}

}  // namespace plimsoll::upstream
