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

// Architectures whose layers, caches and windows were checked, in measurements or in the runtime's
// source; and the names that Ollama's own conversions give them. Sorted.
inline constexpr std::array<std::string_view, 135> kKnown = {
    "afmoe",
    "apertus",
    "arcee",
    "arctic",
    "arwkv7",
    "baichuan",
    "bailingmoe",
    "bailingmoe2",
    "bert",
    "bitnet",
    "bloom",
    "chameleon",
    "chatglm",
    "codeshell",
    "cogvlm",
    "cohere2",
    "cohere2moe",
    "command-r",
    "dbrx",
    "deci",
    "deepseek",
    "deepseek2",
    "deepseek2-ocr",
    "deepseek32",
    "deepseekocr",
    "dots1",
    "dream",
    "ernie4_5",
    "ernie4_5-moe",
    "eurobert",
    "exaone",
    "exaone-moe",
    "exaone4",
    "falcon",
    "falcon-h1",
    "gemma",
    "gemma-embedding",
    "gemma2",
    "gemma3",
    "gemma3n",
    "gemma4",
    "glm-dsa",
    "glm4",
    "glm4moe",
    "glm4moelite",
    "gpt-oss",
    "gpt2",
    "gptj",
    "gptneox",
    "gptoss",
    "granite",
    "granitehybrid",
    "granitemoe",
    "grok",
    "grovemoe",
    "hunyuan-dense",
    "hunyuan-moe",
    "hunyuan_vl",
    "hy_v3",
    "internlm2",
    "jais",
    "jais2",
    "jamba",
    "jina-bert",
    "jina-bert-v2",
    "jina-bert-v3",
    "kimi-linear",
    "laguna",
    "lfm2",
    "lfm2moe",
    "llada",
    "llada-moe",
    "llama",
    "llama-embed",
    "llama4",
    "maincoder",
    "mamba",
    "mamba2",
    "mellum",
    "mimo2",
    "minicpm",
    "minicpm3",
    "minimax-m2",
    "mistral3",
    "mistral4",
    "modern-bert",
    "mpt",
    "muse-glimmer",
    "nemotron",
    "nemotron_h",
    "nemotron_h_moe",
    "nemotron_h_omni",
    "neo-bert",
    "nomic-bert",
    "nomic-bert-moe",
    "olmo",
    "olmo2",
    "olmo3",
    "olmoe",
    "openelm",
    "orion",
    "paddleocr",
    "pangu-embedded",
    "phi2",
    "phi3",
    "phimoe",
    "plamo",
    "plamo2",
    "plamo3",
    "plm",
    "qwen",
    "qwen2",
    "qwen25vl",
    "qwen2moe",
    "qwen2vl",
    "qwen3",
    "qwen35",
    "qwen35moe",
    "qwen3moe",
    "qwen3next",
    "qwen3vl",
    "qwen3vlmoe",
    "refact",
    "rnd1",
    "rwkv6",
    "rwkv6qwen2",
    "rwkv7",
    "seed_oss",
    "smallthinker",
    "smollm3",
    "stablelm",
    "starcoder",
    "starcoder2",
    "step35",
    "xverse"
};

// Encoders and diffusion models: no cache at all.
inline constexpr std::array<std::string_view, 14> kWithoutCache = {
    "bert",
    "dream",
    "eurobert",
    "gemma-embedding",
    "jina-bert",
    "jina-bert-v2",
    "jina-bert-v3",
    "llada",
    "llada-moe",
    "modern-bert",
    "neo-bert",
    "nomic-bert",
    "nomic-bert-moe",
    "rnd1",
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

// Layers that only draft further tokens have no cache in the model's own context.
inline constexpr std::array<std::string_view, 8> kDraftsApart = {
    "qwen3next", "qwen35", "qwen35moe", "step35", "hy_v3", "glm-dsa", "mimo2", "deepseek32"
};

// While drafting they keep one recurrent state more for each token ahead.
inline constexpr std::array<std::string_view, 2> kStatesPerDraft = {"qwen35", "qwen35moe"};

// An index of keys beside the cache, one head in each layer of the model.
inline constexpr std::array<std::string_view, 2> kIndexed = {"deepseek32", "glm-dsa"};

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
