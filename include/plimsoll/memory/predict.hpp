#pragma once
// How many bytes a model takes before it is loaded, and the largest context that fits. Everything
// about sizes is behind predict(); formulas are those of docs/memory.md. Pure.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/memory/geometry.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::memory {

enum class KvType : std::uint8_t { F16, Q8_0, Q4_0, F32 };
std::optional<KvType> parse_kv_type(std::string_view text);
std::string_view to_string(KvType type);

// What the upstream's server was told; not visible through its API.
enum class FlashAttention : std::uint8_t { Auto, On, Off };
std::optional<FlashAttention> parse_flash_attention(std::string_view text);
std::string_view to_string(FlashAttention flash);

struct Settings {
    std::uint32_t num_ctx = 4096;  // tokens per slot, already clamped
    std::uint32_t num_batch = 0;   // 0: the largest the upstream may choose
    std::uint32_t parallel = 1;
    KvType kv_type = KvType::F16;
    FlashAttention flash_attention = FlashAttention::Auto;
    std::uint32_t draft_num_predict = 0;  // tokens drafted ahead; 0: no drafting
};

// What a process takes beside the model: CUDA context, kernels, workspace. 450 MiB is in the middle
// of what cards show; learned per device after the first loads.
struct Device {
    Bytes overhead = mebibytes(450);
};

// All bytes on the device unless it says otherwise.
struct Prediction {
    Bytes weights;      // to the byte
    Bytes kv;           // to the byte
    Bytes kv_windowed;  // of kv: in layers with a sliding window
    Bytes recurrent;    // state of recurrent layers; to the byte
    Bytes compute;      // to some per mille
    Bytes projector;    // encoder of images or sound: weights and an assumed graph
    Bytes draft;        // what drafting adds
    Bytes overhead;
    Bytes total;   // predicted: the sum of all of these
    Bytes margin;  // for what the formulas cannot know
    Bytes booked;  // total + margin: what the ledger holds until it has been measured
    Bytes host;    // weights and outputs in host memory; not in the total
    // false: the runtime would refuse these settings, or leave attention to the CPU
    bool loads = true;
    std::vector<std::string> notes;  // why it does not load, and what is assumed; sentences
};

// file_size: of the model's blobs (weights, projector, adapters), bytes. Where the tensors are
// listed, the weights are those on the device and what the blobs hold beyond the list, if that is
// more than the file's metadata can be.
Prediction predict(
    Geometry const& geometry, Bytes file_size, Settings const& settings, Device const& device = {}
);

// Which sum has to fit: what the model will take, or what would be booked for it.
enum class FitBy : std::uint8_t { Predicted, Booked };

// The largest num_ctx whose bytes are at most `budget`: the trained context, `most` (tokens), or a
// multiple of 256 below them; at least 2048 for vision models. settings.num_ctx is not read. Where
// the compute buffer is not known exactly, it errs to the smaller context. Nothing: not even the
// smallest fits, or the settings do not load. docs/memory.md, "The largest context".
std::optional<std::uint32_t> largest_num_ctx(
    Geometry const& geometry,
    Bytes file_size,
    Settings const& settings,
    Device const& device,
    Bytes budget,
    FitBy by,
    std::uint32_t most = UINT32_MAX
);

// num_batch that the upstream takes by itself with memory to spare, tokens. parallel: slots as set,
// whether or not the model gets them.
std::uint32_t automatic_batch(
    Geometry const& geometry, std::uint32_t num_ctx, std::uint32_t parallel
);

// What Ollama itself believes, for its own 80 % rule (docs/memory.md, "What Ollama believes").
Bytes upstream_estimate(Geometry const& geometry, Bytes file_size, Settings const& settings);

}  // namespace plimsoll::memory
