#include "memory/slots.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/memory/predict.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace plimsoll::memory {

namespace {

// CUDA context, kernels, workspace: one process per model.
constexpr Bytes kOverhead = mebibytes(450);
// A projector's own graph is not told by anything that the API shows; big encoders take about this
// much.
constexpr Bytes kProjectorCompute = gibibytes(1);
constexpr double kMarginShare = 0.02;
constexpr Bytes kLeastMargin = mebibytes(64);

// Where the shape is unknown.
constexpr double kUnknownShare = 0.25;
constexpr double kUnknownCachePerToken = 320.0 * 1024;  // a 70B model's, f16
constexpr Bytes kUnknownLeastMargin = gibibytes(1);

// All arithmetic is in doubles: exact for every size below 2^53 bytes, and numbers of a wrong
// answer cannot wrap into something small.
Bytes to_bytes(double count) {
    return Bytes(1).scaled(std::max(count, 0.0));
}

double pad(double value, double step) {
    return std::ceil(value / step) * step;
}

struct Block {
    double elements, bytes;
};

Block block_of(KvType type) {
    switch (type) {
        case KvType::F32:
            return {1, 4};
        case KvType::F16:
            return {1, 2};
        case KvType::Q8_0:
            return {32, 34};
        case KvType::Q4_0:
            return {32, 18};
    }
    return {1, 4};
}

double row(KvType type, double elements) {
    Block const block = block_of(type);
    return std::ceil(elements / block.elements) * block.bytes;
}

bool is_quantised(KvType type) {
    return type == KvType::Q8_0 || type == KvType::Q4_0;
}

// One tensor of a layer's cache, with the cells of all slots. CUDA reads quantised rows in steps of
// 512 and gets room for the last one.
double cache_tensor(KvType type, double width, double cells) {
    double const rest = std::fmod(width, 512);
    double const tail = is_quantised(type) && rest != 0 ? row(type, 512 - rest) : 0;
    return pad(cells * row(type, width) + tail, 128);
}

struct Shape {
    double slots, batch;
    double cells, window_cells;  // of one slot, in full and in sliding-window layers
    bool flash;
};

Shape shape_of(Geometry const& geometry, Settings const& settings) {
    double const slots = effective_slots(geometry, settings);
    double const tokens = effective_ctx(geometry, settings) * slots;
    double const cells = pad(pad(tokens, 256) / slots, 256);
    double const batch =
        std::min<double>(effective_batch(geometry, settings), std::max(tokens, 1.0));
    double const window = pad(std::min(cells, geometry.window + batch), 256);
    // A quantised cache needs flash attention; the upstream then switches it on.
    bool const flash =
        settings.flash_attention == FlashAttention::On || is_quantised(settings.kv_type) ||
        (settings.flash_attention == FlashAttention::Auto && geometry.has_flash_kernel);
    return {slots, batch, cells, geometry.window == 0 ? 0 : window, flash};
}

std::uint32_t most_heads(Geometry const& g) {
    return g.kv_heads.empty() ? 0 : *std::ranges::max_element(g.kv_heads);
}

// Of one layer, all slots together.
double cells_of(Geometry const& g, Shape const& shape, std::size_t layer) {
    bool const is_windowed = layer < g.is_windowed.size() && g.is_windowed[layer];
    return shape.slots * (is_windowed ? shape.window_cells : shape.cells);
}

double cache_bytes(Geometry const& g, Settings const& settings, Shape const& shape) {
    // Without flash attention values lie transposed, and the runtime makes all layers as wide as
    // the widest.
    double const widest = static_cast<double>(most_heads(g)) * g.value_length;
    double total = 0;
    for (std::size_t layer = 0; layer < g.kv_heads.size(); ++layer) {
        double const heads = g.kv_heads[layer];
        if (heads == 0) {
            continue;
        }
        double const cells = cells_of(g, shape, layer);
        total += cache_tensor(settings.kv_type, heads * g.key_length, cells);
        double const values = shape.flash ? heads * g.value_length : widest;
        total += g.keys_only ? 0 : cache_tensor(settings.kv_type, values, cells);
    }
    double const state = 4.0 * static_cast<double>(g.state_floats) * g.recurrent_layers;
    return total + shape.slots * state;
}

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
    if (most_heads(g) == 0) {
        return 0;
    }
    if (shape.flash) {
        return is_quantised(settings.kv_type)
                   ? 4 * shape.batch * g.attention_quantised + expanded_layer(g, shape)
                   : 4 * shape.batch * g.attention;
    }
    // Where "auto" has switched flash attention off, or keys hold the values, those are copied.
    double const heads = g.keys_only ? 1 : most_heads(g);
    bool const is_copied = g.keys_only || settings.flash_attention == FlashAttention::Auto;
    double const copy = is_copied ? 2 * shape.cells * g.value_length * heads * shape.slots : 0;
    double const scores = static_cast<double>(g.heads) * shape.cells;
    return 4 * shape.batch * (scores + g.attention_scores) + copy;
}

double encoder_bytes(Geometry const& g, Shape const& shape) {
    double const mask = (shape.flash ? 2 : 4) * shape.batch * shape.batch;
    double const scores =
        shape.flash ? 0 : static_cast<double>(g.heads) * shape.batch + 6.0 * g.embedding;
    return mask + 4 * shape.batch * std::max(g.feed_forward, scores) + 32 * shape.batch;
}

double compute_bytes(Geometry const& g, Settings const& settings, Shape const& shape) {
    bool const has_cache = most_heads(g) > 0;
    if (!has_cache && g.recurrent_layers == 0) {
        return encoder_bytes(g, shape);
    }
    double const mask =
        has_cache ? (shape.flash ? 2 : 4) * shape.batch * (shape.cells + shape.window_cells) : 0;
    double const logits = 4 * shape.slots * (static_cast<double>(g.vocabulary) + 2.0 * g.embedding);
    double const states =
        g.has_state_per_slot ? 4 * static_cast<double>(g.state_floats) * (shape.slots - 1) : 0;
    double const feed = 4 * shape.batch * g.feed_forward + states;
    bool const is_rotated = shape.flash && is_quantised(settings.kv_type);
    return mask + std::max({feed, attention_bytes(g, settings, shape), logits}) +
           (is_rotated ? rotations(g) : 0) + 32 * shape.batch;
}

// Tokenizer and other metadata of a file; what lies in the blobs beyond that and the listed tensors
// is a projector or an adapter.
constexpr Bytes kMostMetadata = mebibytes(32);

Bytes weight_bytes(Geometry const& g, Bytes file_size) {
    if (g.device_weights.is_zero()) {
        return file_size;
    }
    Bytes const beyond = file_size - g.listed_weights;
    return beyond > kMostMetadata ? g.device_weights + beyond : g.device_weights;
}

}  // namespace

std::optional<KvType> parse_kv_type(std::string_view text) {
    if (iequals(text, "f16")) {
        return KvType::F16;
    }
    if (iequals(text, "q8_0")) {
        return KvType::Q8_0;
    }
    if (iequals(text, "q4_0")) {
        return KvType::Q4_0;
    }
    if (iequals(text, "f32")) {
        return KvType::F32;
    }
    return std::nullopt;
}

Prediction predict(Geometry const& geometry, Bytes file_size, Settings const& settings) {
    Shape const shape = shape_of(geometry, settings);
    Prediction p;
    p.weights = weight_bytes(geometry, file_size);
    p.overhead = kOverhead;
    p.kv = to_bytes(cache_bytes(geometry, settings, shape));
    p.compute = to_bytes(compute_bytes(geometry, settings, shape));
    if (geometry.has_projector) {
        p.projector = kProjectorCompute;
        p.note = "with 1 GiB for the projector's own work, which nothing tells";
    }
    double share = kMarginShare;
    Bytes least = kLeastMargin;
    if (!geometry.is_complete) {
        share = kUnknownShare;
        least = kUnknownLeastMargin;
        double const tokens = settings.num_ctx * shape.slots;
        p.kv = std::max(p.kv, to_bytes(kUnknownCachePerToken * tokens));
        p.note =
            "the model's shape is not fully known: a generous guess until it has been measured";
    }
    Bytes const known = p.weights + p.kv + p.compute + p.projector;
    // Newer runtimes hold one more residual.
    Bytes const residual = to_bytes(4.0 * geometry.embedding * shape.batch);
    p.margin = std::max(known.scaled(share), least) + residual;
    p.total = known + p.overhead + p.margin;
    return p;
}

}  // namespace plimsoll::memory
