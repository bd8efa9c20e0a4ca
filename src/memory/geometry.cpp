#include "memory/families.hpp"
#include "memory/parts.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>

namespace plimsoll::memory {

namespace {

namespace json = boost::json;

// No published model is near it; keeps a wrong answer from costing memory.
constexpr std::uint32_t kMostLayers = 2048;

bool has_capability(json::object const& show, std::string_view wanted) {
    json::value const* const list = show.if_contains("capabilities");
    if (list == nullptr || !list->is_array()) {
        return false;
    }
    return std::ranges::any_of(list->get_array(), [wanted](json::value const& item) {
        return item.is_string() && item.get_string() == wanted;
    });
}

bool has_projector_info(json::object const& show) {
    json::value const* const info = show.if_contains("projector_info");
    return info != nullptr && info->is_object() && !info->get_object().empty();
}

void read_heads(Geometry& geometry, Metadata const& metadata, Tensors const& tensors) {
    geometry.heads = metadata.number_or("attention.head_count", 0);
    geometry.key_length = metadata.number_or("attention.key_length", 0);
    geometry.value_length = metadata.number_or("attention.value_length", 0);
    if (geometry.heads == 0 && geometry.key_length != 0) {
        geometry.heads = tensors.widest(geometry.layers, "attn_q.weight") / geometry.key_length;
    }
    if (geometry.heads != 0 && geometry.key_length == 0) {
        geometry.key_length = geometry.embedding / geometry.heads;
    }
    if (geometry.heads != 0 && geometry.value_length == 0) {
        geometry.value_length = geometry.embedding / geometry.heads;
    }
    geometry.keys_only =
        metadata.has("attention.key_length_mla") && metadata.has("attention.value_length_mla");
}

// Ollama's own conversion of GLM-4.7-Flash gives head sizes per head; the runtime stores the
// absorbed form.
void absorb_heads(Geometry& geometry, Metadata const& metadata) {
    std::uint32_t const rank = metadata.number_or("attention.kv_lora_rank", 0);
    if (geometry.architecture != "glm4moelite" || rank == 0) {
        return;
    }
    geometry.key_length = rank + metadata.number_or("rope.dimension_count", 0);
    geometry.value_length = rank;
    std::ranges::replace_if(geometry.kv_heads, [](std::uint32_t heads) { return heads != 0; }, 1U);
    geometry.keys_only = true;
}

// Where the measured rows had more in the compute buffer than the formulas say, by at most these.
void read_doubts(Geometry& geometry, Metadata const& metadata) {
    bool const is_old_latent =
        metadata.number_or("attention.kv_lora_rank", 0) != 0 && !geometry.keys_only;
    bool const has_own_inputs = metadata.number_or("embedding_length_per_layer_input", 0) != 0;
    if (is_old_latent || (geometry.architecture == "gemma4" && has_own_inputs)) {
        geometry.doubtful_residuals = 1;
        geometry.doubtful_residuals_quantised = 1;
    }
    if (geometry.architecture == "llama4") {
        geometry.doubtful_residuals_quantised = 1;
    }
}

// By the names that a user finds in the metadata.
std::vector<std::string> missing_keys(Geometry const& g) {
    if (g.architecture.empty()) {
        return {"general.architecture"};
    }
    std::vector<std::string> missing;
    auto const need = [&](bool is_there, std::string_view key) {
        if (!is_there) {
            missing.push_back(g.architecture + '.' + std::string(key));
        }
    };
    need(g.layers != 0, "block_count");
    need(g.embedding != 0, "embedding_length");
    need(g.vocabulary != 0, "vocab_size");
    bool const needs_no_cache =
        is_one_of(g.architecture, kWithoutCache) || is_one_of(g.architecture, kRecurrentOnly);
    if (!needs_no_cache) {
        need(g.heads != 0, "attention.head_count");
        need(g.heads == 0 || g.key_length != 0, "attention.key_length");
        bool const has_cache =
            std::ranges::any_of(g.kv_heads, [](auto heads) { return heads > 0; });
        need(g.heads == 0 || has_cache, "attention.head_count_kv");
    }
    return missing;
}

}  // namespace

Geometry read_geometry(json::object const& show) {
    Metadata const metadata(show);
    Tensors const tensors(show);
    Geometry geometry;
    geometry.architecture = metadata.architecture();
    geometry.trained_ctx = metadata.number_or("context_length", 0);
    geometry.layers = std::min(metadata.number_or("block_count", 0), kMostLayers);
    geometry.embedding = metadata.number_or("embedding_length", 0);
    geometry.is_embedding_only =
        metadata.has("pooling_type") ||
        (has_capability(show, "embedding") && !has_capability(show, "completion"));
    geometry.is_vision = has_capability(show, "vision");
    geometry.has_projector = has_projector_info(show) || geometry.is_vision ||
                             has_capability(show, "audio") || tensors.has("v.patch_embd.weight") ||
                             tensors.has("mm.input_projection.weight");
    geometry.is_single_slot = is_one_of(geometry.architecture, kSingleSlot);
    read_heads(geometry, metadata, tensors);
    read_layers(geometry, metadata, tensors);
    absorb_heads(geometry, metadata);
    read_windows(geometry, metadata, tensors);
    read_widths(geometry, metadata, tensors);
    read_weights(geometry, tensors);
    read_doubts(geometry, metadata);
    // Short convolutions' embedders skip the output matrix, encoders have none.
    geometry.has_output_per_token = geometry.is_embedding_only &&
                                    !is_one_of(geometry.architecture, kWithoutCache) &&
                                    !geometry.architecture.starts_with("lfm2");
    geometry.has_state_per_draft = is_one_of(geometry.architecture, kStatesPerDraft);
    geometry.has_two_masks =
        metadata.number_or("attention.sliding_window", 0) != 0 &&
        (geometry.architecture == "gemma-embedding" || geometry.architecture == "modern-bert");
    geometry.missing = missing_keys(geometry);
    geometry.is_complete = geometry.missing.empty();
    geometry.is_known_family = is_one_of(geometry.architecture, kKnown);
    geometry.defect = find_defect(geometry, metadata, show);
    return geometry;
}

std::uint32_t clamp_num_ctx(Geometry const& geometry, std::int64_t wanted) {
    std::int64_t const least = geometry.is_vision ? 2048 : 4;
    std::int64_t clamped = std::clamp<std::int64_t>(wanted, least, UINT32_MAX);
    if (geometry.trained_ctx != 0) {
        clamped = std::min<std::int64_t>(clamped, geometry.trained_ctx);
    }
    return static_cast<std::uint32_t>(clamped);
}

}  // namespace plimsoll::memory
