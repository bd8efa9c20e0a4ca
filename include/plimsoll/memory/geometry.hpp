#pragma once
// A model's shape, as an /api/show answer tells it: the input of every formula of docs/memory.md.
// Pure.

#include <plimsoll/base/bytes.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace plimsoll::memory {

struct Geometry {
    std::string architecture;
    std::uint32_t trained_ctx = 0;  // tokens; 0 unknown
    std::uint32_t layers = 0;       // those that only draft further tokens included
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
    Bytes device_weights;     // of the text model: what the runtime puts on the device
    Bytes listed_weights;     // all that are listed, as they lie in the file
    Bytes host_weights;       // what stays in host memory, an embedding that is in both included
    Bytes projector_weights;  // of an encoder inside the same file
    Bytes draft_weights;      // of the layers that only draft; on the device while drafting

    // false: too little was known; predict() then uses a generous margin
    bool is_complete = false;
    // What is_complete lacks, by the names of the keys.
    std::vector<std::string> missing;
    // false: no formula was ever checked for this architecture; the general one is used
    bool is_known_family = false;
    // Why these numbers cannot be a model's, in words; empty: they can. Sizes mean nothing then.
    std::string defect;
    // What of the shape had to be assumed, in words.
    std::vector<std::string> assumptions;

    // Widths of the runtime's graph in floats per token (docs/memory.md, "Compute buffer"), and
    // what only some families have.
    std::uint32_t vocabulary = 0;
    double feed_forward = 0;             // c: the widest path with the feed-forward
    double attention = 0;                // a: the widest with flash attention, cache in f16
    double attention_quantised = 0;      // the same, cache quantised
    double attention_scores = 0;         // without flash attention, beside the scores
    bool has_output_per_token = false;   // embedders that compute logits all the same
    bool has_two_masks = false;          // encoders with windows
    bool has_state_per_slot = false;     // Mamba: one more state for each further slot
    std::vector<std::uint32_t> rotated;  // key lengths of the kinds of cache
    std::uint64_t state_floats = 0;      // recurrent state of one layer and slot
    std::uint32_t recurrent_layers = 0;
    std::uint32_t index_length = 0, index_layers = 0;  // keys of a sparse attention's index
    bool keys_only = false;                            // absorbed MLA: the cache has no values
    std::uint32_t window = 0;  // tokens that a sliding-window layer remembers; 0: no such layers
    std::vector<bool> is_windowed;  // per layer
    bool has_flash_kernel = true;   // false: "auto" switches flash attention off
    // 0: the compute buffer is exact. Else residuals (4 x batch x embedding bytes) by which it was
    // seen to be too small.
    std::uint32_t doubtful_residuals = 0, doubtful_residuals_quantised = 0;
    // Drafting: the last layers predict further tokens, in a context of their own.
    std::uint32_t draft_layers = 0;
    std::vector<std::uint32_t> draft_kv_heads;  // per layer of that context; 0: no cache
    bool has_state_per_draft = false;           // one recurrent state more for each token ahead
    // A family that the upstream runs with one slot whatever was asked.
    bool is_single_slot = false;
};

// `show` is the answer of /api/show, verbose or not. Never fails: what is missing is left at zero
// and is_complete says so; what cannot be is in `defect`.
Geometry read_geometry(boost::json::object const& show);

// The context a runner really gets: at least 4, at least 2048 for vision models, at most the
// trained one (docs/memory.md, "Settings").
std::uint32_t clamp_num_ctx(Geometry const& geometry, std::int64_t wanted);

}  // namespace plimsoll::memory
