// Widths behind the compute buffer. The runtime reserves its worst graph once, so what counts is
// the widest layer; each number here is at least what the runtime needs.

#include "memory/families.hpp"
#include "memory/parts.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace plimsoll::memory {

namespace {

std::uint64_t dense_width(Geometry const& g, Metadata const& metadata, Tensors const& tensors) {
    std::uint64_t const gate = tensors.widest(g.layers, "ffn_gate.weight");
    std::uint64_t const up = tensors.widest(g.layers, "ffn_up.weight");
    if (gate != 0) {
        return 3 * std::max(gate, up);
    }
    if (up != 0) {
        // No gate: either none at all, or one fused into the rows of `up`, half of which are then
        // its own.
        return up + up / 2;
    }
    return 3 * std::uint64_t{metadata.number_or("feed_forward_length", 0)};
}

std::uint64_t expert_width(Geometry const& g, Metadata const& metadata, Tensors const& tensors) {
    std::uint64_t const used = metadata.number_or("expert_used_count", 0);
    if (used == 0) {
        return 0;
    }
    std::uint64_t const fused = tensors.widest(g.layers, "ffn_gate_up_exps.weight") / 2;
    std::uint64_t width =
        std::max<std::uint64_t>(tensors.widest(g.layers, "ffn_up_exps.weight"), fused);
    if (width == 0) {
        width = metadata.number_or(
            "expert_feed_forward_length", metadata.number_or("feed_forward_length", 0)
        );
    }
    std::uint64_t shared = tensors.widest(g.layers, "ffn_up_shexp.weight");
    if (shared == 0) {
        shared = metadata.number_or("expert_shared_feed_forward_length", 0);
    }
    std::uint64_t const routed = 3 * used * width + used * g.embedding;
    return routed + g.embedding + 3 * shared;
}

// Input projection and convolution of a recurrent layer.
std::uint64_t recurrent_width(Geometry const& g, Metadata const& metadata, Tensors const& tensors) {
    if (g.recurrent_layers == 0) {
        return 0;
    }
    std::uint64_t const inner = metadata.number_or("ssm.inner_size", 0);
    std::uint64_t const groups = metadata.number_or("ssm.group_count", 0);
    std::uint64_t const state = metadata.number_or("ssm.state_size", 0);
    std::uint64_t const projection = std::max(
        {tensors.widest(g.layers, "ssm_in.weight"),
         tensors.widest(g.layers, "attn_qkv.weight") + tensors.widest(g.layers, "attn_gate.weight"),
         tensors.widest(g.layers, "shortconv.in_proj.weight")}
    );
    return projection + 2 * (inner + 2 * groups * state) + inner;
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
    std::uint64_t const embedding = g.embedding;
    g.vocabulary = tensors.rows("token_embd.weight");
    if (g.vocabulary == 0) {
        g.vocabulary = metadata.number_or("vocab_size", 0);
    }
    g.query = std::max(tensors.widest(g.layers, "attn_q.weight"), g.heads * g.key_length);
    std::uint64_t const per_layer =
        std::uint64_t{metadata.number_or("embedding_length_per_layer_input", 0)} * g.layers;

    std::uint64_t const key_mla = metadata.number_or("attention.key_length_mla", 0);
    std::uint64_t const value_mla = metadata.number_or("attention.value_length_mla", 0);
    bool const is_mla = metadata.has("attention.kv_lora_rank");
    bool const is_gated = is_one_of(g.architecture, kGatedDelta);
    std::uint64_t const feed =
        std::max(dense_width(g, metadata, tensors), expert_width(g, metadata, tensors));
    // Beside the feed-forward path stay alive: residual and normed input, the queries, and, where
    // attention and feed-forward run side by side (command-r), one more residual.
    std::uint64_t const hole =
        std::max({std::uint64_t{g.query}, embedding, g.heads * value_mla}) + embedding;
    std::uint64_t const residuals = g.architecture == "gemma3n" ? 9 * embedding : 2 * embedding;
    g.feed_forward = residuals + hole + feed + per_layer;
    g.feed_forward =
        std::max(g.feed_forward, 2 * embedding + recurrent_width(g, metadata, tensors) + hole);

    g.attention = 2 * embedding + 2 * std::uint64_t{g.query} + 2 * per_layer + embedding;
    if (is_gated) {
        g.attention += 4 * std::uint64_t{g.query};
    }
    if (is_mla) {
        std::uint64_t const heads = g.heads;
        g.attention = std::max(
            g.attention,
            2 * embedding +
                heads * (g.key_length + 2 * g.value_length + 2 * key_mla + 2 * value_mla)
        );
    }
    // Side by side, with a quantised cache, both paths are alive at once. Such layers have one norm
    // for both.
    bool const is_side_by_side = !tensors.has("blk.0.ffn_norm.weight");
    if (is_side_by_side) {
        g.attention = std::max(g.attention, g.feed_forward + embedding);
    }
    g.has_flash_kernel = has_flash_kernel(g);
}

}  // namespace plimsoll::memory
