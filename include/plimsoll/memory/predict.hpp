#pragma once
// How many bytes a model takes before it is loaded. Everything about sizes is behind predict();
// formulas are those of docs/memory.md. Pure.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::memory {

enum class KvType : std::uint8_t { F16, Q8_0, Q4_0, F32 };
std::optional<KvType> parse_kv_type(std::string_view text);

// What an /api/show answer tells of a model's shape.
struct Geometry {
    std::string architecture;
    std::uint32_t trained_ctx = 0;  // tokens; 0 unknown
    std::uint32_t layers = 0;
    std::uint32_t embedding = 0;
    std::uint32_t heads = 0;  // maximum over layers
    std::uint32_t min_kv_heads =
        0;  // minimum over layers, zero counted as one (the upstream's estimate)
    std::uint32_t key_length = 0, value_length = 0;
    std::vector<std::uint32_t> kv_heads;  // per layer; 0: no cache
    bool is_embedding_only = false;
    bool has_projector = false;
    bool is_vision = false;
    // By the list of tensors; 0: it is missing, or names a type that we do not know.
    Bytes device_weights;  // what the runtime puts on the device
    Bytes listed_weights;  // all of them, as they lie in the file

    bool is_complete = false;  // false: too little was known; predict() then uses a generous margin

    // Widths of the runtime's graph in floats per token (docs/memory.md, "Compute buffer"), and
    // what only some families have.
    std::uint32_t vocabulary = 0;
    double feed_forward = 0;             // c: the widest path with the feed-forward
    double attention = 0;                // a: the widest with flash attention, cache in f16
    double attention_quantised = 0;      // the same, cache quantised
    double attention_scores = 0;         // without flash attention, beside the scores
    bool has_state_per_slot = false;     // Mamba: one more state for each further slot
    std::vector<std::uint32_t> rotated;  // key lengths of the kinds of cache
    std::uint64_t state_floats = 0;      // recurrent state of one layer and slot
    std::uint32_t recurrent_layers = 0;
    bool keys_only = false;    // absorbed MLA: the cache has no values
    std::uint32_t window = 0;  // tokens that a sliding-window layer remembers; 0: no such layers
    std::vector<bool> is_windowed;  // per layer
    bool has_flash_kernel = true;   // false: "auto" switches flash attention off
    bool is_single_slot =
        false;  // a family that the upstream runs with one slot whatever was asked
};

// `show` is the answer of /api/show, verbose or not. Never fails: what is missing is left at zero
// and is_complete says so.
Geometry read_geometry(boost::json::object const& show);

// What the upstream's server was told; not visible through its API.
enum class FlashAttention : std::uint8_t { Auto, On, Off };

struct Settings {
    std::uint32_t num_ctx = 4096;  // tokens per slot, already clamped
    std::uint32_t num_batch = 0;   // 0: the largest the upstream may choose
    std::uint32_t parallel = 1;
    KvType kv_type = KvType::F16;
    FlashAttention flash_attention = FlashAttention::Auto;
};

struct Prediction {
    Bytes total;                 // with the margin: what is booked
    Bytes weights, kv, compute;  // to the byte, to the byte, to some per mille
    Bytes projector;             // its own graph; its weights are among the weights
    Bytes overhead, margin;
    std::string note;  // how sure, in words; may be empty
};

// file_size: of the model's blobs (weights, projector, adapters), bytes. Where the tensors are
// listed, the weights are those on the device and what the blobs hold beyond the list, if that is
// more than the file's metadata can be.
Prediction predict(Geometry const& geometry, Bytes file_size, Settings const& settings);

// The context a runner really gets (vram-model 2): at least 4, at least 2048 for vision models, at
// most the trained one.
std::uint32_t clamp_num_ctx(Geometry const& geometry, std::int64_t wanted);

// What Ollama itself believes, for its own 80 % rule (vram-model 11).
Bytes upstream_estimate(Geometry const& geometry, Bytes file_size, Settings const& settings);

}  // namespace plimsoll::memory
