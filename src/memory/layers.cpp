#include "memory/families.hpp"
#include "memory/parts.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace plimsoll::memory {

namespace {

// Layers beyond these use the cache of earlier ones.
std::uint32_t layers_with_own_cache(Geometry const& geometry, Metadata const& metadata) {
    if (geometry.architecture == "gemma3n") {
        return std::min<std::uint32_t>(geometry.layers, 20);  // a constant of the runtime
    }
    if (geometry.architecture == "gemma4") {
        std::uint32_t const shared = metadata.number_or("attention.shared_kv_layers", 0);
        return geometry.layers - std::min(shared, geometry.layers);
    }
    return geometry.layers;
}

bool is_recurrent(Tensors const& tensors, std::uint32_t layer) {
    return tensors.has(layer, "ssm_conv1d.weight") || tensors.has(layer, "ssm_conv1d_q.weight") ||
           tensors.has(layer, "shortconv.conv.weight") || tensors.has(layer, "time_mix_key.weight");
}

// Heads of one layer's cache, told by its matrices: without `verbose` the metadata has null for
// every array. `head_size` rows make one head.
std::uint32_t heads_of_matrices(
    Geometry const& geometry, Tensors const& tensors, std::uint32_t layer, std::uint32_t head_size
) {
    std::uint32_t rows = tensors.rows(layer, "attn_k.weight");
    if (rows == 0 && !is_recurrent(tensors, layer)) {
        // Fused: queries, keys and values one below the other.
        std::uint32_t const fused = tensors.rows(layer, "attn_qkv.weight");
        std::uint64_t const queries = std::uint64_t{geometry.heads} * head_size;
        rows = fused > queries ? static_cast<std::uint32_t>((fused - queries) / 2) : 0;
    }
    return (rows + head_size - 1) / head_size;
}

std::vector<std::uint32_t> heads_of_metadata(Geometry const& geometry, Metadata const& metadata) {
    std::vector<std::uint32_t> heads = metadata.array("attention.head_count_kv");
    if (heads.size() < geometry.layers) {
        heads.assign(
            geometry.layers, metadata.number_or("attention.head_count_kv", geometry.heads)
        );
    }
    heads.resize(geometry.layers);
    return heads;
}

// kv_heads counts heads of key_length floats, so a layer with smaller heads (gemma4's windowed
// ones) has fewer here than in the file; its cache comes out the same.
void read_cache_heads(Geometry& geometry, Metadata const& metadata, Tensors const& tensors) {
    geometry.kv_heads.assign(geometry.layers, 0);
    bool const is_mla = metadata.has("attention.kv_lora_rank");
    if (is_mla || tensors.is_empty()) {
        geometry.kv_heads = heads_of_metadata(geometry, metadata);
        return;
    }
    bool is_any = false;
    for (std::uint32_t layer = 0; layer < geometry.layers && geometry.key_length != 0; ++layer) {
        geometry.kv_heads[layer] = heads_of_matrices(geometry, tensors, layer, geometry.key_length);
        is_any = is_any || geometry.kv_heads[layer] != 0;
    }
    if (!is_any && !is_one_of(geometry.architecture, kRecurrentOnly)) {
        // Matrices under names that we do not know: believe the metadata.
        geometry.kv_heads = heads_of_metadata(geometry, metadata);
    }
}

void drop_layers_without_cache(Geometry& geometry, Metadata const& metadata) {
    bool const is_none = is_one_of(geometry.architecture, kWithoutCache) ||
                         is_one_of(geometry.architecture, kRecurrentOnly);
    bool const is_gated = is_one_of(geometry.architecture, kGatedDelta);
    std::uint32_t const period =
        std::max<std::uint32_t>(metadata.number_or("full_attention_interval", 4), 1);
    std::uint32_t const own = layers_with_own_cache(geometry, metadata);
    for (std::uint32_t layer = 0; layer < geometry.layers; ++layer) {
        bool const is_delta_net = is_gated && (layer + 1) % period != 0;
        if (is_none || is_delta_net || layer >= own) {
            geometry.kv_heads[layer] = 0;
        }
    }
}

// The upstream's estimate takes the smallest number of heads as the file has it, not as counted
// above.
std::uint32_t min_heads(
    Geometry const& geometry, Metadata const& metadata, Tensors const& tensors
) {
    std::vector<std::uint32_t> heads = metadata.array("attention.head_count_kv");
    if (heads.empty()) {
        if (auto const scalar = metadata.number("attention.head_count_kv")) {
            return std::max<std::uint32_t>(*scalar, 1);
        }
        for (std::uint32_t layer = 0; layer < geometry.layers; ++layer) {
            std::uint32_t const own_size = tensors.rows(layer, "attn_q_norm.weight");
            bool const is_own = geometry.architecture == "gemma4" && own_size != 0;
            std::uint32_t const size = is_own ? own_size : geometry.key_length;
            heads.push_back(size == 0 ? 0 : heads_of_matrices(geometry, tensors, layer, size));
        }
    }
    return heads.empty() ? 1 : std::max<std::uint32_t>(*std::ranges::min_element(heads), 1);
}

// Floats of one recurrent layer's state for one slot. A model has one of these kinds; adding them
// up is as good as telling them apart.
std::uint64_t state_floats(Geometry const& geometry, Metadata const& metadata) {
    auto const number = [&metadata](std::string_view key) -> std::uint64_t {
        return metadata.number_or(key, 0);
    };
    std::uint64_t const inner = number("ssm.inner_size");
    std::uint64_t const state = number("ssm.state_size");
    std::uint64_t const kernel = std::max<std::uint64_t>(number("ssm.conv_kernel"), 1) - 1;
    std::uint64_t const convolution = kernel * (inner + 2 * number("ssm.group_count") * state);
    std::uint64_t const short_kernel = std::max<std::uint64_t>(number("shortconv.l_cache"), 1) - 1;
    std::uint64_t const wkv = number("wkv.head_size");
    std::uint64_t const kda = number("kda.head_dim");
    return convolution + state * inner + geometry.embedding * short_kernel +
           (wkv == 0 ? 0 : geometry.embedding * (2 + wkv)) +
           geometry.heads * kda * (3 * kernel + kda);
}

}  // namespace

void read_layers(Geometry& geometry, Metadata const& metadata, Tensors const& tensors) {
    read_cache_heads(geometry, metadata, tensors);
    geometry.min_kv_heads = min_heads(geometry, metadata, tensors);
    drop_layers_without_cache(geometry, metadata);
    geometry.state_floats = state_floats(geometry, metadata);
    if (geometry.state_floats == 0) {
        return;
    }
    for (std::uint32_t layer = 0; layer < geometry.layers; ++layer) {
        bool const is_known = !tensors.is_empty();
        bool const has_state =
            is_known ? is_recurrent(tensors, layer) : geometry.kv_heads[layer] == 0;
        geometry.recurrent_layers += has_state ? 1 : 0;
    }
    if (is_one_of(geometry.architecture, kRecurrentOnly)) {
        geometry.recurrent_layers = geometry.layers;
    }
}

}  // namespace plimsoll::memory
