// The compute buffer: docs/memory.md, "Compute buffer".

#include "memory/sums.hpp"

namespace plimsoll::memory {

namespace {

// The card's kernels read f16: a quantised cache is expanded, one layer at a time.
double expanded_layer(Geometry const& g, Shape const& shape) {
    double most = 0;
    for (std::size_t layer = 0; layer < g.kv_heads.size(); ++layer) {
        double const width =
            static_cast<double>(g.kv_heads[layer]) *
            (static_cast<double>(g.key_length) + (g.keys_only ? 0 : g.value_length));
        most = std::max(most, 2 * width * cells_of(g, shape, layer));
    }
    return most;
}

double rotations(Geometry const& g) {
    double bytes = 0;
    for (std::uint32_t const length : g.rotated) {
        // The largest power of two times 64 that divides it.
        std::uint32_t const size = length % 64 != 0 ? 0 : length & (~length + 1);
        bytes += size == 0 ? 0 : 4.0 * size * size + 16384;
    }
    return bytes;
}

double attention_bytes(Geometry const& g, Settings const& settings, Shape const& shape) {
    if (most_of(g.kv_heads) == 0) {
        return 0;
    }
    if (shape.flash) {
        return is_quantised(settings.kv_type)
                   ? 4 * shape.batch * g.attention_quantised + expanded_layer(g, shape)
                   : 4 * shape.batch * g.attention;
    }
    // Where "auto" has switched flash attention off, or keys hold the values, those are copied.
    double const heads = g.keys_only ? 1 : most_of(g.kv_heads);
    bool const is_copied = g.keys_only || settings.flash_attention == FlashAttention::Auto;
    double const copy = is_copied ? 2 * shape.cells * g.value_length * heads * shape.slots : 0;
    double const scores = static_cast<double>(g.heads) * shape.cells;
    return 4 * shape.batch * (scores + g.attention_scores) + copy;
}

double outputs_of(Geometry const& g, Shape const& shape) {
    return g.has_output_per_token ? shape.batch : shape.slots;
}

double encoder_bytes(Geometry const& g, Shape const& shape) {
    double const mask =
        (g.has_two_masks ? 2 : 1) * (shape.flash ? 2 : 4) * shape.batch * shape.batch;
    double const scores =
        shape.flash ? 0 : static_cast<double>(g.heads) * shape.batch + 6.0 * g.embedding;
    return mask + 4 * shape.batch * std::max(g.feed_forward, scores) + 32 * shape.batch;
}

}  // namespace

double compute_bytes(Geometry const& g, Settings const& settings, Shape const& shape) {
    bool const has_cache = most_of(g.kv_heads) > 0;
    if (!has_cache && g.recurrent_layers == 0) {
        return encoder_bytes(g, shape);
    }
    double const mask =
        has_cache ? (shape.flash ? 2 : 4) * shape.batch * (shape.cells + shape.window_cells) : 0;
    double const logits =
        4 * outputs_of(g, shape) * (static_cast<double>(g.vocabulary) + 2.0 * g.embedding);
    double const states =
        g.has_state_per_slot ? 4 * static_cast<double>(g.state_floats) * (shape.slots - 1) : 0;
    double const feed = 4 * shape.batch * g.feed_forward + states;
    bool const is_rotated = shape.flash && is_quantised(settings.kv_type);
    return mask + std::max({feed, attention_bytes(g, settings, shape), logits}) +
           (is_rotated ? rotations(g) : 0) + 32 * shape.batch;
}

double output_bytes(Geometry const& g, Shape const& shape) {
    return 4 * (g.is_embedding_only ? shape.batch : shape.slots) * g.vocabulary;
}

}  // namespace plimsoll::memory
