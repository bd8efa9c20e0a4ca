// Widths behind the compute buffer (docs/memory.md, "Compute buffer"). The runtime reserves its
// worst graph once, so what counts is the widest layer.

#include "memory/families.hpp"
#include "memory/parts.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace plimsoll::memory {

namespace {

// What the widths are made of; all in floats per token.
struct Terms {
    double embedding = 0;
    double heads = 0;
    double queries = 0;    // widest query projection
    double per_layer = 0;  // inputs of each layer of its own (Gemma 3n and 4)
    double feed = 0;       // widest feed-forward
    double cache = 0;      // keys and values of the widest layer
    double key = 0, value = 0, key_mla = 0, value_mla = 0;
    bool is_mla = false;  // the absorbed form
    bool is_gated = false;
    bool is_fused = false;  // one matrix for queries, keys and values
    bool is_parallel = false;
    bool is_hybrid = false;
    bool has_experts = false;
};

double dense_feed(Tensors const& tensors, std::uint32_t layer) {
    std::uint64_t const width = tensors.inputs(layer, "ffn_down.weight");
    std::uint64_t const up = tensors.rows(layer, "ffn_up.weight");
    bool const is_gated = tensors.has(layer, "ffn_gate.weight") || up == 2 * width;
    return static_cast<double>(up == 0 ? 0 : (is_gated ? 3 : 1) * width);
}

double expert_feed(double embedding, double used, Tensors const& tensors, std::uint32_t layer) {
    auto const width = static_cast<double>(tensors.inputs(layer, "ffn_down_exps.weight"));
    if (width == 0) {
        return 0;
    }
    auto const shared = static_cast<double>(tensors.inputs(layer, "ffn_down_shexp.weight"));
    double const routed = 3 * used * width + (embedding > 2 * width ? used * embedding : 0);
    return shared == 0 ? routed : std::max(routed, embedding + 3 * shared);
}

void read_feed(Terms& t, Geometry const& g, Metadata const& metadata, Tensors const& tensors) {
    double const used = metadata.number_or("expert_used_count", 0);
    std::uint32_t const further = metadata.number_or("nextn_predict_layers", 0);
    for (std::uint32_t layer = 0; layer + further < g.layers; ++layer) {
        double const experts = expert_feed(t.embedding, used, tensors, layer);
        t.has_experts = t.has_experts || experts > 0;
        t.feed = std::max({t.feed, dense_feed(tensors, layer), experts});
    }
    if (t.feed == 0) {  // no tensors, or under names that we do not know
        t.feed = 3.0 * metadata.number_or("feed_forward_length", 0);
    }
}

void read_latent(Terms& t, Geometry const& g, Metadata const& metadata) {
    // Ollama's own conversion names the sizes of a head as others name those of the cache.
    bool const is_converted = g.architecture == "glm4moelite";
    t.is_mla = g.keys_only;
    t.key_mla =
        metadata.number_or(is_converted ? "attention.key_length" : "attention.key_length_mla", 0);
    t.value_mla = metadata.number_or(
        is_converted ? "attention.value_length" : "attention.value_length_mla", 0
    );
}

double widest_query(Terms const& t, Geometry const& g, Tensors const& tensors) {
    double const by_rows = tensors.widest(g.layers, "attn_q.weight");
    if (g.architecture == "gemma4" && by_rows > 0) {
        return by_rows;
    }
    double const by_heads = t.heads * t.key;
    return t.is_gated || t.is_mla ? by_heads : std::max(by_heads, by_rows);
}

Terms terms_of(Geometry const& g, Metadata const& metadata, Tensors const& tensors) {
    Terms t;
    t.embedding = g.embedding;
    t.heads = g.heads;
    t.key = g.key_length;
    t.value = g.value_length;
    t.is_gated = is_one_of(g.architecture, kGatedDelta);
    t.is_parallel = is_one_of(g.architecture, kParallelBlocks);
    t.is_fused = !t.is_gated && tensors.widest(g.layers, "attn_qkv.weight") > 0;
    t.is_hybrid = g.recurrent_layers > 0;
    read_latent(t, g, metadata);
    t.per_layer =
        static_cast<double>(metadata.number_or("embedding_length_per_layer_input", 0)) * g.layers;
    t.queries = widest_query(t, g, tensors);
    std::uint32_t const kv_heads = g.kv_heads.empty() ? 0 : *std::ranges::max_element(g.kv_heads);
    t.cache = static_cast<double>(kv_heads) * (t.key + t.value);
    read_feed(t, g, metadata, tensors);
    return t;
}

// What stays alive beside the feed-forward path.
double hole(Terms const& t) {
    if (t.is_mla) {
        return t.heads * t.value_mla;
    }
    if (t.is_hybrid) {
        return t.has_experts ? t.embedding : 0;
    }
    return t.is_fused ? 0 : t.queries;
}

// Input projection and convolution of a Mamba layer; 0: there is none.
double mamba_width(Geometry const& g, Metadata const& metadata, Tensors const& tensors) {
    double const projection = tensors.widest(g.layers, "ssm_in.weight");
    double const inner = metadata.number_or("ssm.inner_size", 0);
    double const groups = metadata.number_or("ssm.group_count", 0);
    double const state = metadata.number_or("ssm.state_size", 0);
    return projection == 0 ? 0 : projection + 2 * (inner + 2 * groups * state) + inner;
}

double feed_forward(Terms const& t, Geometry const& g) {
    if (g.architecture == "gemma3n") {
        return 9 * t.embedding + t.feed + t.per_layer;
    }
    if (is_one_of(g.architecture, kWithoutCache)) {
        return 2 * t.embedding + t.feed;
    }
    return 2 * t.embedding + hole(t) + t.feed + t.per_layer + (t.is_parallel ? t.embedding : 0);
}

void read_attention(Geometry& g, Terms const& t) {
    double const e = 2 * t.embedding;
    g.attention = e + 2 * t.queries + 2 * t.per_layer;
    g.attention_scores = e + 2 * t.queries + t.cache;
    if (t.is_fused) {
        g.attention = e + t.queries;
        g.attention_scores = e + 2 * t.queries;
    }
    if (is_one_of(g.architecture, kGemma)) {
        g.attention_scores += t.queries;
    }
    if (t.is_gated) {
        g.attention = e + 5.5 * t.queries;
        g.attention_scores = e + 3.5 * t.queries + t.cache;
    }
    g.attention_quantised = t.is_parallel ? g.feed_forward + t.embedding : g.attention;
    if (t.is_mla) {
        g.attention = e + t.heads * (t.key + t.value + t.key_mla + t.value_mla);
        g.attention_quantised = e + t.heads * (t.key + 2 * t.value + 2 * t.key_mla);
        g.attention_scores = e + t.heads * (t.key + t.value + t.key_mla);
    }
}

// A quantised cache is rotated, each kind of it by a matrix of its own.
void read_rotations(Geometry& g, Metadata const& metadata) {
    bool is_windowed = false;
    bool is_full = false;
    for (std::size_t layer = 0; layer < g.kv_heads.size(); ++layer) {
        bool const is_window = g.window != 0 && g.is_windowed[layer];
        is_windowed = is_windowed || (g.kv_heads[layer] != 0 && is_window);
        is_full = is_full || (g.kv_heads[layer] != 0 && !is_window);
    }
    g.rotated = {g.key_length};
    if (is_windowed && is_full) {
        g.rotated.push_back(metadata.number_or("attention.key_length_swa", g.key_length));
    }
}

// K head sizes for which a CUDA card has a flash-attention kernel; "auto" switches it off for all
// others.
bool has_flash_kernel(Geometry const& g) {
    constexpr std::array<std::uint32_t, 8> kEqual = {40, 64, 72, 80, 96, 112, 128, 256};
    std::uint32_t const k = g.key_length;
    std::uint32_t const v = g.value_length;
    std::uint32_t const kv_heads = g.kv_heads.empty() ? 0 : *std::ranges::max_element(g.kv_heads);
    std::uint32_t const group = kv_heads == 0 ? 0 : g.heads / kv_heads;
    if (g.architecture == "grok") {
        return false;
    }
    if (k == v && std::ranges::find(kEqual, k) != kEqual.end()) {
        return true;
    }
    return (k == 192 && v == 128 && group >= 8 && group % 8 == 0) ||
           (k == 320 && v == 256 && group >= 32 && group % 32 == 0) ||
           ((k == 512 || k == 576) && v == 512 && group >= 2);
}

}  // namespace

void read_widths(Geometry& g, Metadata const& metadata, Tensors const& tensors) {
    g.vocabulary = tensors.rows("token_embd.weight");
    if (g.vocabulary == 0) {
        g.vocabulary = metadata.number_or("vocab_size", 0);
    }
    Terms const t = terms_of(g, metadata, tensors);
    double const mamba = mamba_width(g, metadata, tensors);
    g.has_state_per_slot = mamba > 0;
    g.feed_forward = feed_forward(t, g);
    if (mamba > 0) {
        g.feed_forward = std::max(g.feed_forward, 2 * t.embedding + mamba);
    }
    read_attention(g, t);
    // Inputs of the first layers from the image encoder lie beside the embedding, also of a text.
    std::uint32_t const deep = metadata.number_or("n_deepstack_layers", 0);
    if (deep != 0) {
        double const inputs = t.embedding * (1.0 + deep);
        g.feed_forward += inputs;
        g.attention += inputs;
        g.attention_quantised += inputs;
        g.attention_scores += inputs;
    }
    read_rotations(g, metadata);
    g.has_flash_kernel = has_flash_kernel(g);
}

}  // namespace plimsoll::memory
