#pragma once
// Which architectures differ from the ordinary transformer, by the names in a model's metadata.

#include <algorithm>
#include <array>
#include <string_view>

namespace plimsoll::memory {

template <std::size_t N>
constexpr bool is_one_of(std::string_view name, std::array<std::string_view, N> const& names) {
    return std::ranges::find(names, name) != names.end();
}

// Encoders and diffusion models: no cache at all.
inline constexpr std::array<std::string_view, 15> kWithoutCache = {
    "bert",
    "nomic-bert",
    "nomic-bert-moe",
    "jina-bert-v2",
    "jina-bert-v3",
    "neo-bert",
    "eurobert",
    "modern-bert",
    "gemma-embedding",
    "t5encoder",
    "dream",
    "llada",
    "llada-moe",
    "rnd1",
    "jina-bert"
};

// A recurrent state in every layer and no cache.
inline constexpr std::array<std::string_view, 6> kRecurrentOnly = {
    "mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"
};

// Attention in every nth layer, a gated delta net in the others.
inline constexpr std::array<std::string_view, 3> kGatedDelta = {"qwen3next", "qwen35", "qwen35moe"};

// Attention and feed-forward of a layer run side by side.
inline constexpr std::array<std::string_view, 6> kParallelBlocks = {
    "cohere2", "cohere2moe", "command-r", "gptneox", "falcon", "phi2"
};

inline constexpr std::array<std::string_view, 5> kGemma = {
    "gemma", "gemma2", "gemma3", "gemma3n", "gemma4"
};

// The upstream runs these with one slot whatever OLLAMA_NUM_PARALLEL says.
inline constexpr std::array<std::string_view, 11> kSingleSlot = {
    "mllama",
    "qwen3vl",
    "qwen3vlmoe",
    "qwen35",
    "qwen35moe",
    "qwen3next",
    "lfm2",
    "lfm2moe",
    "nemotron_h",
    "nemotron_h_moe",
    "nemotron_h_omni"
};

}  // namespace plimsoll::memory
