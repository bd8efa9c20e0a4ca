#pragma once
// The models that the simulated server has, with the shape they show and the bytes they truly take.
// The bytes are a table of their own, taken from measurements, so that a predictor tested against
// the simulator is not tested against itself. Values, immutable once read.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace plimsoll::sim {

// Bytes on the device, as a linear table per weights file.
struct MemoryTable {
    Bytes device;                           // weights on the device
    std::uint64_t kv_per_token = 0;         // f16, layers that see everything
    std::uint64_t kv_window_per_token = 0;  // f16, layers with a sliding window
    std::uint32_t window = 0;               // tokens; 0: no windows
    std::uint64_t fixed_per_slot = 0;       // recurrent state
    std::uint64_t compute_per_batch_token = 0;
    std::uint64_t compute_fixed = 0;
    std::uint64_t quantized_per_batch_token =
        0;  // compute with a quantised cache: the larger of both
    std::uint64_t quantized_per_token = 0;
    bool encoder = false;             // no cache; the mask grows with the square of the batch
    Bytes overhead = mebibytes(300);  // of the process: no API tells it
};

struct Projector {
    std::string blob;
    Bytes file, device, compute;
    boost::json::object info;
};

struct Weights {
    std::string id;
    std::string blob;  // 64 hex
    Bytes file;
    std::uint32_t layers = 0;
    MemoryTable memory;
    std::optional<Projector> projector;
    bool single_slot = false;  // families that get one slot whatever OLLAMA_NUM_PARALLEL says
    boost::json::object model_info;
    boost::json::object arrays;  // what verbose adds
    boost::json::array tensors;  // unpacked, as /api/show lists them
    std::string architecture;
    std::uint32_t trained_ctx = 0;
    std::uint32_t embedding_length = 0;
    std::uint32_t heads = 0;
    std::uint32_t min_kv_heads = 0;
};

struct Remote {
    std::string host, model, family;
    std::uint32_t context_length = 0;
    std::uint32_t embedding_length = 0;
};

// A name with its manifest.
struct Model {
    std::string name;                        // short form, in the stored spelling
    std::string key;                         // folded full form
    std::string digest;                      // 64 hex
    std::shared_ptr<Weights const> weights;  // null for remote stubs
    std::optional<Remote> remote;
    std::vector<std::string> capabilities;
    std::string parameter_size, quantization_level, modified_at, prompt_template, template_blob,
        system, license;
    std::string parent_model;
    std::vector<std::pair<std::string, boost::json::value>> parameters;
    Bytes small_layers;  // config, template, parameters

    [[nodiscard]] bool can(std::string_view capability) const;

    [[nodiscard]] bool is_embedding_only() const { return can("embedding") && !can("completion"); }

    [[nodiscard]] Bytes size() const;  // as /api/tags says it
    [[nodiscard]] std::string family() const;
};

using ModelPtr = std::shared_ptr<Model const>;

// Errors: Invalid with file, line, place and what is wrong.
Result<std::vector<ModelPtr>> read_catalogue(std::string_view text, std::string_view file);
Result<std::vector<ModelPtr>> load_catalogue(std::optional<std::filesystem::path> const& file);
// The text of the built-in one.
std::string_view builtin_catalogue();

// The folded full form of a stored name; empty when it is ill-formed.
std::string key_of(std::string_view name);

}  // namespace plimsoll::sim
