// Weights to the byte, tensor by tensor: docs/memory.md, "Weights".

#include "memory/families.hpp"
#include "memory/parts.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

namespace plimsoll::memory {

namespace {

struct Type {
    std::string_view name;
    double elements, bytes;  // of one block
};

constexpr std::array kTypes = {
    Type{"F32", 1, 4},        Type{"F16", 1, 2},        Type{"BF16", 1, 2},
    Type{"Q8_0", 32, 34},     Type{"MXFP4", 32, 17},    Type{"NVFP4", 64, 36},
    Type{"Q4_0", 32, 18},     Type{"Q4_1", 32, 20},     Type{"Q5_0", 32, 22},
    Type{"Q5_1", 32, 24},     Type{"IQ4_NL", 32, 18},   Type{"Q2_K", 256, 84},
    Type{"Q3_K", 256, 110},   Type{"Q4_K", 256, 144},   Type{"Q5_K", 256, 176},
    Type{"Q6_K", 256, 210},   Type{"IQ4_XS", 256, 136}, Type{"IQ3_S", 256, 110},
    Type{"IQ3_XXS", 256, 98}, Type{"IQ2_S", 256, 82},   Type{"IQ2_XS", 256, 74},
    Type{"IQ2_XXS", 256, 66}, Type{"IQ1_S", 256, 50},   Type{"IQ1_M", 256, 56},
    Type{"TQ1_0", 256, 54},   Type{"TQ2_0", 256, 66},   Type{"Q1_0", 128, 18},
    Type{"Q2_0", 64, 18},     Type{"F64", 1, 8},        Type{"I8", 1, 1},
    Type{"I16", 1, 2},        Type{"I32", 1, 4},        Type{"I64", 1, 8},
};

double row(Type const& type, double elements) {
    return std::ceil(elements / type.elements) * type.bytes;
}

double in_file(Type const& type, Tensor const& tensor) {
    double bytes = row(type, static_cast<double>(tensor.shape.front()));
    for (std::size_t i = 1; i < tensor.shape.size(); ++i) {
        bytes *= static_cast<double>(tensor.shape[i]);
    }
    return bytes;
}

// CUDA reads quantised rows in steps of 512 and gets room for the last one; buffers are aligned.
double on_device(Type const& type, Tensor const& tensor) {
    double const rest = std::fmod(static_cast<double>(tensor.shape.front()), 512);
    double const tail = type.elements > 1 && rest != 0 ? row(type, 512 - rest) : 0;
    return std::ceil((in_file(type, tensor) + tail) / 128) * 128;
}

// "blk.17.attn_k.weight": 17; others: beyond all layers of none.
std::optional<std::uint32_t> layer_of(std::string_view name) {
    constexpr std::string_view kPrefix = "blk.";
    std::uint32_t layer = 0;
    if (!name.starts_with(kPrefix)) {
        return std::nullopt;
    }
    name.remove_prefix(kPrefix.size());
    auto const [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
    bool const is_number = error == std::errc() && end != name.data() + name.size() && *end == '.';
    return is_number ? std::optional(layer) : std::nullopt;
}

enum class Place : std::uint8_t { Device, Host, Both, Draft, Projector };

struct Placement {
    bool is_tied = false;      // no output matrix: the embedding serves as one, on the device too
    bool is_encoder = false;   // has no output on the device
    std::uint32_t layers = 0;  // without those that only draft

    [[nodiscard]] Place of(std::string_view name) const {
        constexpr std::array<std::string_view, 3> kOnHost = {
            "per_layer_token_embd.weight", "position_embd.weight", "token_types.weight"
        };
        constexpr std::array<std::string_view, 4> kEncoders = {"v.", "mm.", "a.", "s."};
        if (name == "token_embd.weight") {
            return is_tied && !is_encoder ? Place::Both : Place::Host;
        }
        if (is_one_of(name, kOnHost)) {
            return Place::Host;
        }
        if (std::ranges::any_of(kEncoders, [name](auto prefix) {
                return name.starts_with(prefix);
            })) {
            return Place::Projector;
        }
        auto const layer = layer_of(name);
        return layer && *layer >= layers ? Place::Draft : Place::Device;
    }
};

struct Sums {
    double listed = 0, device = 0, host = 0, draft = 0, projector = 0;

    void add(Place place, double file_bytes, double device_bytes) {
        listed += file_bytes;
        device += place == Place::Device || place == Place::Both ? device_bytes : 0;
        host += place == Place::Host || place == Place::Both ? file_bytes : 0;
        draft += place == Place::Draft ? device_bytes : 0;
        projector += place == Place::Projector ? device_bytes : 0;
    }
};

}  // namespace

void read_weights(Geometry& geometry, Tensors const& tensors) {
    Placement const placement{
        .is_tied = !tensors.has("output.weight"),
        // BitNet multiplies by the embedding on the host.
        .is_encoder = geometry.architecture.contains("bert") || geometry.architecture == "bitnet",
        .layers = geometry.layers - geometry.draft_layers,
    };
    Sums sums;
    for (Tensor const& tensor : tensors.list()) {
        auto const type = std::ranges::find_if(kTypes, [&](Type const& each) {
            return iequals(each.name, tensor.type);
        });
        if (type == kTypes.end()) {
            geometry.assumptions.push_back(fmt::format(
                "tensor {} has the type \"{}\", which is not known: the file's size counts for the "
                "weights",
                printable(tensor.name),
                printable(tensor.type)
            ));
            return;  // half a sum would be worse than none
        }
        sums.add(placement.of(tensor.name), in_file(*type, tensor), on_device(*type, tensor));
    }
    geometry.listed_weights = Bytes(1).scaled(sums.listed);
    geometry.device_weights = Bytes(1).scaled(sums.device);
    geometry.host_weights = Bytes(1).scaled(sums.host);
    geometry.draft_weights = Bytes(1).scaled(sums.draft);
    geometry.projector_weights = Bytes(1).scaled(sums.projector);
}

}  // namespace plimsoll::memory
