#include "memory/slots.hpp"
#include "memory/sums.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <utility>

namespace plimsoll::memory {

namespace {

// A projector's own graph is not told by anything that the API shows; big encoders take about this
// much.
constexpr Bytes kProjectorCompute = gibibytes(1);
// As much as the true size of a model was ever seen to differ from its prediction, and more: for
// the first loads, until it has been measured.
constexpr double kMarginShare = 0.05;
constexpr Bytes kLeastMargin = mebibytes(64);

// The general formula on an architecture that nobody has checked it for.
constexpr double kGeneralShare = 0.10;
constexpr Bytes kGeneralLeastMargin = mebibytes(512);

// Where the shape is unknown.
constexpr double kUnknownShare = 0.25;
constexpr double kUnknownCachePerToken = 320.0 * 1024;  // a 70B model's, f16
constexpr Bytes kUnknownLeastMargin = gibibytes(1);

// Tokenizer and other metadata of a file; what lies in the blobs beyond that and the listed tensors
// is a projector or an adapter.
constexpr Bytes kMostMetadata = mebibytes(32);

constexpr std::array<std::pair<std::string_view, KvType>, 4> kKvTypes = {
    {{"f16", KvType::F16}, {"q8_0", KvType::Q8_0}, {"q4_0", KvType::Q4_0}, {"f32", KvType::F32}}
};

constexpr std::array<std::pair<std::string_view, FlashAttention>, 3> kFlashAttention = {
    {{"auto", FlashAttention::Auto}, {"on", FlashAttention::On}, {"off", FlashAttention::Off}}
};

template <class Value, std::size_t N>
std::optional<Value> find_value(
    std::array<std::pair<std::string_view, Value>, N> const& names, std::string_view text
) {
    auto const found =
        std::ranges::find_if(names, [text](auto const& each) { return iequals(each.first, text); });
    return found == names.end() ? std::nullopt : std::optional(found->second);
}

template <class Value, std::size_t N>
std::string_view name_of(
    std::array<std::pair<std::string_view, Value>, N> const& names, Value value
) {
    return std::ranges::find(names, value, &std::pair<std::string_view, Value>::second)->first;
}

Bytes to_bytes(double count) {
    return Bytes(1).scaled(std::max(count, 0.0));
}

void add_weights(Prediction& p, Geometry const& g, Bytes file_size) {
    if (g.device_weights.is_zero()) {
        p.weights = file_size;
        p.projector = g.has_projector ? kProjectorCompute : Bytes();
        return;
    }
    p.weights = g.device_weights;
    Bytes const rest = file_size - g.listed_weights;
    Bytes const beyond = rest > kMostMetadata ? rest : Bytes();
    if (g.has_projector) {
        p.projector = beyond + g.projector_weights + kProjectorCompute;
    } else {
        p.weights += beyond + g.projector_weights;
    }
}

// A second context beside the model's own: weights, cache and graph of the layers that draft.
Bytes draft_bytes(Geometry const& g, Settings const& settings, Shape const& shape) {
    if (settings.draft_num_predict == 0 || g.draft_layers == 0) {
        return {};
    }
    Cache const cache = cache_bytes(g, g.draft_kv_heads, settings.kv_type, shape);
    double const states =
        g.has_state_per_draft ? settings.draft_num_predict * recurrent_bytes(g, shape) : 0;
    return g.draft_weights +
           to_bytes(cache.full + cache.windowed + compute_bytes(g, settings, shape) + states);
}

void refuse(Prediction& p, std::string why) {
    p.loads = false;
    p.notes.push_back(std::move(why));
}

// What the runtime refuses, or runs on the CPU although the model lies on the card.
void check_settings(Prediction& p, Geometry const& g, Settings const& settings) {
    if (!g.defect.empty()) {
        refuse(p, fmt::format("The model's metadata cannot be true: {}.", printable(g.defect)));
        return;
    }
    if (most_of(g.kv_heads) == 0) {
        return;
    }
    bool const quantised = is_quantised(settings.kv_type);
    std::string_view const type = to_string(settings.kv_type);
    if (quantised && settings.flash_attention == FlashAttention::Off) {
        refuse(
            p,
            fmt::format(
                "A {} cache needs flash attention, which is off: the runtime refuses to load it. "
                "Switch flash attention on, or use an f16 cache.",
                type
            )
        );
    } else if (quantised &&
               (g.key_length % 32 != 0 || (!g.keys_only && g.value_length % 32 != 0))) {
        refuse(
            p,
            fmt::format(
                "A {} cache needs heads of a multiple of 32; this model's have {} and {}. Use an "
                "f16 cache.",
                type,
                g.key_length,
                g.value_length
            )
        );
    } else if (!g.has_flash_kernel &&
               (quantised || settings.flash_attention == FlashAttention::On)) {
        refuse(
            p,
            fmt::format(
                "No card has a flash-attention kernel for this model's heads (keys of {}, values "
                "of {}), and {} keeps flash attention on: attention would run on the CPU. Use {}.",
                g.key_length,
                g.value_length,
                quantised ? fmt::format("a {} cache", type) : std::string("the setting"),
                quantised ? "an f16 cache" : "\"auto\""
            )
        );
    }
}

void add_notes(Prediction& p, Geometry const& g) {
    for (std::string const& each : g.assumptions) {
        p.notes.push_back("Assumed: " + each + '.');
    }
    if (g.has_projector) {
        p.notes.emplace_back("The projector's own work, which nothing tells, is taken as 1 GiB.");
    }
    if (!g.is_complete) {
        p.notes.emplace_back(
            "The model's shape is not fully known: this is a generous guess until it has been "
            "measured."
        );
    } else if (!g.is_known_family) {
        p.notes.push_back(fmt::format(
            "The architecture \"{}\" is not known: this is the general formula with a margin of "
            "{:.0f} %.",
            printable(g.architecture),
            100 * kGeneralShare
        ));
    }
}

Bytes margin_of(Geometry const& g, Bytes known, double batch) {
    double const share = !g.is_complete       ? kUnknownShare
                         : !g.is_known_family ? kGeneralShare
                                              : kMarginShare;
    Bytes const least = !g.is_complete       ? kUnknownLeastMargin
                        : !g.is_known_family ? kGeneralLeastMargin
                                             : kLeastMargin;
    // Newer runtimes hold one more residual.
    return std::max(known.scaled(share), least) + to_bytes(4.0 * g.embedding * batch);
}

}  // namespace

std::optional<KvType> parse_kv_type(std::string_view text) {
    return find_value(kKvTypes, text);
}

std::string_view to_string(KvType type) {
    return name_of(kKvTypes, type);
}

std::optional<FlashAttention> parse_flash_attention(std::string_view text) {
    return find_value(kFlashAttention, text);
}

std::string_view to_string(FlashAttention flash) {
    return name_of(kFlashAttention, flash);
}

Prediction predict(
    Geometry const& geometry, Bytes file_size, Settings const& settings, Device const& device
) {
    Shape const shape = shape_of(geometry, settings);
    Cache const cache = cache_bytes(geometry, geometry.kv_heads, settings.kv_type, shape);
    Prediction p;
    add_weights(p, geometry, file_size);
    p.kv = to_bytes(cache.full + cache.windowed);
    p.kv_windowed = to_bytes(cache.windowed);
    p.recurrent = to_bytes(recurrent_bytes(geometry, shape));
    p.compute = to_bytes(compute_bytes(geometry, settings, shape));
    p.draft = draft_bytes(geometry, settings, shape);
    p.overhead = device.overhead;
    p.host = geometry.host_weights + to_bytes(output_bytes(geometry, shape));
    if (!geometry.is_complete) {
        double const tokens = static_cast<double>(effective_ctx(geometry, settings)) * shape.slots;
        p.kv = std::max(p.kv, to_bytes(kUnknownCachePerToken * tokens));
    }
    Bytes const known = p.weights + p.kv + p.recurrent + p.compute + p.projector + p.draft;
    p.total = known + p.overhead;
    p.margin = margin_of(geometry, known, shape.batch);
    p.booked = p.total + p.margin;
    check_settings(p, geometry, settings);
    add_notes(p, geometry);
    return p;
}

}  // namespace plimsoll::memory
