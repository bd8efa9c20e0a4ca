// Sliding windows, as the runtime honours them: only for the families listed, whatever the metadata
// says (Mistral, Qwen2 and Phi-3 files name a window that nothing uses). A family that is missing
// here is charged for the whole context, which is too much and never too little.

#include "memory/parts.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace plimsoll::memory {

namespace {

struct Family {
    std::string_view name;
    std::uint32_t period;          // the last layer of each period sees everything
    std::uint32_t default_window;  // where the file has no key; 0: then there are no windows
};

constexpr std::array kFamilies = {
    Family{"gemma2", 2, 4096},
    Family{"gemma3", 6, 0},
    Family{"gemma3n", 5, 0},
    Family{"gpt-oss", 2, 0},
    Family{"gptoss", 2, 0},
    Family{"cohere2", 4, 0},
    Family{"olmo2", 4, 0},
    Family{"olmo3", 4, 0},
    Family{"llama4", 4, 8192},
};

// gemma4 gives its pattern as an array, which is null here; but its windowed layers have smaller
// heads.
void read_gemma4(Geometry& geometry, Metadata const& metadata, Tensors const& tensors) {
    std::uint32_t const small = metadata.number_or("attention.key_length_swa", 0);
    if (small == 0 || small == geometry.key_length) {
        return;
    }
    geometry.window = metadata.number_or("attention.sliding_window", 0);
    for (std::uint32_t layer = 0; layer < geometry.layers && geometry.window != 0; ++layer) {
        geometry.is_windowed[layer] = tensors.rows(layer, "attn_q_norm.weight") == small;
    }
}

}  // namespace

void read_windows(Geometry& geometry, Metadata const& metadata, Tensors const& tensors) {
    geometry.is_windowed.assign(geometry.layers, false);
    if (geometry.architecture == "gemma4") {
        read_gemma4(geometry, metadata, tensors);
        return;
    }
    auto const* const family = std::ranges::find(kFamilies, geometry.architecture, &Family::name);
    if (family == kFamilies.end()) {
        return;
    }
    std::uint32_t window = metadata.number_or("attention.sliding_window", family->default_window);
    if (geometry.architecture == "llama4" && window != 0) {
        window = 8192;  // chunks of a fixed size; the key only switches them off
    }
    std::uint32_t const period = std::max<std::uint32_t>(
        metadata.number_or("attention.sliding_window_pattern", family->period), 1
    );
    geometry.window = window;
    for (std::uint32_t layer = 0; layer < geometry.layers && window != 0; ++layer) {
        geometry.is_windowed[layer] = layer % period < period - 1;
    }
}

}  // namespace plimsoll::memory
