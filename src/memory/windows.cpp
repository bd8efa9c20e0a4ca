// Sliding windows, as the runtime honours them: only for the families listed, whatever the metadata
// says (Mistral, Qwen2 and Phi-3 files name a window that nothing uses). A family that is missing
// here is charged for the whole context, which is too much and never too little.

#include "memory/families.hpp"
#include "memory/parts.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace plimsoll::memory {

namespace {

// How a family says which layers are windowed.
enum class Pattern : std::uint8_t {
    FullLast,   // every layer but the last of each period
    FullFirst,  // every layer but the first of each period
    Listed,     // by an array in the metadata, which only a verbose answer shows
    Heads,      // by an array; but windowed layers have smaller heads, which the tensors show
    All,
};

struct Family {
    std::string_view name;
    Pattern pattern;
    std::uint32_t period;          // layers; a number in the metadata overrules it
    std::uint32_t default_window;  // where the file has no key; 0: then there are no windows
};

constexpr std::array kFamilies = {
    Family{"gemma2", Pattern::FullLast, 2, 4096},
    Family{"gemma3", Pattern::FullLast, 6, 0},
    Family{"gemma3n", Pattern::FullLast, 5, 0},
    Family{"gemma4", Pattern::Heads, 0, 0},
    Family{"gpt-oss", Pattern::FullLast, 2, 0},
    Family{"gptoss", Pattern::FullLast, 2, 0},
    Family{"cohere2", Pattern::FullLast, 4, 0},
    Family{"cohere2moe", Pattern::FullFirst, 0, 0},
    Family{"olmo2", Pattern::FullLast, 4, 0},
    Family{"olmo3", Pattern::FullLast, 4, 0},
    Family{"llama4", Pattern::FullLast, 4, 8192},
    Family{"exaone4", Pattern::FullLast, 4, 4096},
    Family{"exaone-moe", Pattern::FullLast, 4, 0},
    Family{"afmoe", Pattern::FullLast, 4, 0},
    Family{"muse-glimmer", Pattern::FullLast, 4, 0},
    Family{"mellum", Pattern::FullLast, 4, 0},
    Family{"laguna", Pattern::FullFirst, 4, 0},
    Family{"smallthinker", Pattern::FullFirst, 4, 0},
    Family{"plamo3", Pattern::FullLast, 8, 0},
    Family{"mimo2", Pattern::Listed, 0, 0},
    Family{"step35", Pattern::Listed, 0, 0},
    Family{"lfm2", Pattern::All, 0, 0},
};

// These take an array before their period.
constexpr std::array<std::string_view, 3> kArrayFirst = {"cohere2moe", "muse-glimmer", "mellum"};

// Their layers that only draft see everything.
constexpr std::array<std::string_view, 2> kFullDrafts = {"exaone4", "cohere2moe"};

std::uint32_t window_of(Family const& family, Geometry const& geometry, Metadata const& metadata) {
    std::uint32_t const window =
        metadata.number_or("attention.sliding_window", family.default_window);
    // Of Exaone 4 only the large model has windows, by its number of layers.
    bool const is_without =
        family.name == "exaone4" && geometry.layers - geometry.draft_layers != 64;
    if (is_without || window == 0) {
        return 0;
    }
    // Sizes that the key can only switch off.
    return family.name == "llama4" ? 8192 : family.name == "smallthinker" ? 4096 : window;
}

std::vector<bool> listed(Geometry const& geometry, std::vector<std::uint32_t> const& array) {
    std::vector<bool> is_windowed(geometry.layers, false);
    for (std::size_t layer = 0; layer < std::min(is_windowed.size(), array.size()); ++layer) {
        is_windowed[layer] = array[layer] != 0;
    }
    return is_windowed;
}

std::vector<bool> by_heads(
    Geometry const& geometry, Metadata const& metadata, Tensors const& tensors
) {
    std::vector<bool> is_windowed(geometry.layers, false);
    std::uint32_t const small = metadata.number_or("attention.key_length_swa", 0);
    for (std::uint32_t layer = 0; layer < geometry.layers && small != geometry.key_length;
         ++layer) {
        is_windowed[layer] = small != 0 && tensors.rows(layer, "attn_q_norm.weight") == small;
    }
    return is_windowed;
}

// A period of 0 means all layers.
std::vector<bool> periodic(Geometry const& geometry, std::uint32_t period, bool is_full_first) {
    std::vector<bool> is_windowed(geometry.layers, period == 0);
    for (std::uint32_t layer = 0; layer < geometry.layers && period != 0; ++layer) {
        is_windowed[layer] = is_full_first ? layer % period != 0 : layer % period < period - 1;
    }
    return is_windowed;
}

std::vector<bool> windowed_layers(
    Family const& family, Geometry const& geometry, Metadata const& metadata, Tensors const& tensors
) {
    constexpr std::string_view kKey = "attention.sliding_window_pattern";
    std::vector<std::uint32_t> const array = metadata.array(kKey);
    std::optional<std::uint32_t> const period = metadata.scalar(kKey);
    if (!array.empty() && (family.period == 0 || is_one_of(family.name, kArrayFirst))) {
        return listed(geometry, array);
    }
    switch (family.pattern) {
        case Pattern::FullLast:
            return periodic(geometry, period.value_or(family.period), false);
        case Pattern::FullFirst:
            // Without a period the layers are listed in an array, which is not there.
            return period || family.period != 0
                       ? periodic(geometry, period.value_or(family.period), true)
                       : std::vector<bool>(geometry.layers, false);
        case Pattern::Heads:
            return by_heads(geometry, metadata, tensors);
        case Pattern::All:
            return std::vector<bool>(geometry.layers, true);
        case Pattern::Listed:
            return std::vector<bool>(geometry.layers, period.value_or(0) != 0);
    }
    return std::vector<bool>(geometry.layers, false);
}

}  // namespace

void read_windows(Geometry& geometry, Metadata const& metadata, Tensors const& tensors) {
    geometry.is_windowed.assign(geometry.layers, false);
    auto const* const family = std::ranges::find(kFamilies, geometry.architecture, &Family::name);
    if (family == kFamilies.end()) {
        return;
    }
    geometry.window = window_of(*family, geometry, metadata);
    if (geometry.window == 0) {
        return;
    }
    geometry.is_windowed = windowed_layers(*family, geometry, metadata, tensors);
    if (is_one_of(family->name, kFullDrafts)) {
        std::fill_n(geometry.is_windowed.rbegin(), geometry.draft_layers, false);
    }
    if (std::ranges::find(geometry.is_windowed, true) == geometry.is_windowed.end()) {
        geometry.window = 0;
        geometry.assumptions.emplace_back(
            "which layers have a sliding window is not told: all are charged for the whole context"
        );
    }
}

}  // namespace plimsoll::memory
