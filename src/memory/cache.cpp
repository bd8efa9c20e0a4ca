// The cache and the recurrent state: docs/memory.md, "Cache".

#include "memory/slots.hpp"
#include "memory/sums.hpp"

namespace plimsoll::memory {

namespace {

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

// One tensor of a layer's cache, with the cells of all slots. CUDA reads quantised rows in steps of
// 512 and gets room for the last one.
double cache_tensor(KvType type, double width, double cells) {
    double const rest = std::fmod(width, 512);
    double const tail = is_quantised(type) && rest != 0 ? row(type, 512 - rest) : 0;
    return pad(cells * row(type, width) + tail, 128);
}

}  // namespace

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

Cache cache_bytes(
    Geometry const& g, std::vector<std::uint32_t> const& heads, KvType type, Shape const& shape
) {
    // Without flash attention values lie transposed, and the runtime makes all layers as wide as
    // the widest.
    double const widest = static_cast<double>(most_of(heads)) * g.value_length;
    Cache cache;
    for (std::size_t layer = 0; layer < heads.size(); ++layer) {
        double const own = heads[layer];
        if (own == 0) {
            continue;
        }
        double const cells = cells_of(g, shape, layer);
        double const values = shape.flash ? own * g.value_length : widest;
        double const bytes = cache_tensor(type, own * g.key_length, cells) +
                             (g.keys_only ? 0 : cache_tensor(type, values, cells));
        bool const is_windowed = layer < g.is_windowed.size() && g.is_windowed[layer];
        (is_windowed ? cache.windowed : cache.full) += bytes;
    }
    cache.full += g.index_layers * cache_tensor(type, g.index_length, shape.slots * shape.cells);
    return cache;
}

double recurrent_bytes(Geometry const& g, Shape const& shape) {
    return shape.slots * 4.0 * static_cast<double>(g.state_floats) * g.recurrent_layers;
}

}  // namespace plimsoll::memory
