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

// Latent attention: one latent for all heads in the absorbed form, heads as the file says in older
// files. Hybrids have it in some layers only.
std::vector<std::uint32_t> latent_heads(
    Geometry const& geometry, Metadata const& metadata, Tensors const& tensors
) {
    std::vector<std::uint32_t> heads = heads_of_metadata(geometry, metadata);
    bool const is_any = tensors.widest(geometry.layers, "attn_kv_a_mqa.weight") != 0;
    for (std::uint32_t layer = 0; layer < geometry.layers; ++layer) {
        bool const has_latent = !is_any || tensors.has(layer, "attn_kv_a_mqa.weight");
        std::uint32_t const own =
            geometry.keys_only ? std::min<std::uint32_t>(heads[layer], 1) : heads[layer];
        heads[layer] = has_latent ? own : 0;
    }
    return heads;
}

// kv_heads counts heads of key_length floats, so a layer with smaller heads (gemma4's windowed
// ones) has fewer here than in the file; its cache comes out the same.
void read_cache_heads(Geometry& geometry, Metadata const& metadata, Tensors const& tensors) {
    geometry.kv_heads.assign(geometry.layers, 0);
    if (metadata.has("attention.kv_lora_rank")) {
        geometry.kv_heads = latent_heads(geometry, metadata, tensors);
        return;
    }
    if (tensors.is_empty()) {
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

// The layers that only draft: their cache is part of the model's own context except in the families
// named, and part of the drafting context always.
void read_draft_layers(Geometry& geometry) {
    std::uint32_t const first = geometry.layers - geometry.draft_layers;
    geometry.draft_kv_heads = geometry.kv_heads;
    if (geometry.draft_layers == 0) {
        geometry.draft_kv_heads.clear();
    } else if (geometry.architecture != "deepseek2") {
        std::fill_n(geometry.draft_kv_heads.begin(), first, 0);
    }
    if (is_one_of(geometry.architecture, kDraftsApart)) {
        std::fill(geometry.kv_heads.begin() + first, geometry.kv_heads.end(), 0);
    }
}

void drop_layers_without_cache(Geometry& geometry, Metadata const& metadata) {
    bool const is_none = is_one_of(geometry.architecture, kWithoutCache) ||
                         is_one_of(geometry.architecture, kRecurrentOnly);
    bool const is_gated = is_one_of(geometry.architecture, kGatedDelta);
    std::uint32_t const period =
        std::max<std::uint32_t>(metadata.number_or("full_attention_interval", 4), 1);
    std::uint32_t const own = layers_with_own_cache(geometry, metadata);
    std::uint32_t const first_draft = geometry.layers - geometry.draft_layers;
    for (std::uint32_t layer = 0; layer < geometry.layers; ++layer) {
        bool const is_delta_net = is_gated && (layer + 1) % period != 0 && layer < first_draft;
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

// Floats of one recurrent layer's state for one slot. The keys are looked at in the runtime's
// order.
std::uint64_t state_floats(Geometry const& geometry, Metadata const& metadata) {
    auto const number = [&metadata](std::string_view key, std::uint32_t otherwise = 0) {
        return std::uint64_t{metadata.number_or(key, otherwise)};
    };
    std::uint64_t const kernel = number("ssm.conv_kernel");
    if (std::uint64_t const head = number("wkv.head_size"); head != 0) {
        return geometry.embedding * (number("token_shift_count", 2) + head);
    }
    if (std::uint64_t const short_kernel = number("shortconv.l_cache"); short_kernel != 0) {
        return geometry.embedding * (short_kernel - 1);
    }
    if (std::uint64_t const head = number("kda.head_dim"); head != 0) {
        std::uint64_t const steps = kernel == 0 ? 3 : kernel - 1;
        return geometry.heads * head * (3 * steps + head);
    }
    std::uint64_t const inner = number("ssm.inner_size");
    std::uint64_t const state = number("ssm.state_size");
    std::uint64_t const steps = kernel == 0 ? 0 : kernel - 1;
    return steps * (inner + 2 * number("ssm.group_count") * state) + state * inner;
}

// Keys of an index: a head of its own width in every layer that is the model's.
void read_index(Geometry& geometry, Metadata const& metadata) {
    if (is_one_of(geometry.architecture, kIndexed)) {
        geometry.index_length = metadata.number_or("attention.indexer.key_length", 0);
        geometry.index_layers = geometry.layers - geometry.draft_layers;
    }
}

}  // namespace

void read_layers(Geometry& geometry, Metadata const& metadata, Tensors const& tensors) {
    geometry.draft_layers =
        std::min(metadata.number_or("nextn_predict_layers", 0), geometry.layers);
    read_cache_heads(geometry, metadata, tensors);
    geometry.min_kv_heads = min_heads(geometry, metadata, tensors);
    drop_layers_without_cache(geometry, metadata);
    read_draft_layers(geometry);
    read_index(geometry, metadata);
    geometry.state_floats = state_floats(geometry, metadata);
    if (geometry.state_floats == 0) {
        return;
    }
    // Layers that only draft keep no state.
    for (std::uint32_t layer = 0; layer < geometry.layers - geometry.draft_layers; ++layer) {
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
