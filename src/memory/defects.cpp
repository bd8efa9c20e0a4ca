// Numbers that no model has. A prediction made of them would be a wrong promise, so they are
// refused by name; what is merely missing is not a defect.

#include "memory/families.hpp"
#include "memory/parts.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <spdlog/fmt/fmt.h>

#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::memory {

namespace {

namespace json = boost::json;

struct Range {
    std::string_view key;
    double least, most;
};

// Wide enough for anything that could ever be published, narrow enough that no product of them
// leaves a double's exact integers by much.
constexpr std::array kRanges = {
    Range{"block_count", 1, 2048},
    Range{"context_length", 1, 1U << 31U},
    Range{"embedding_length", 1, 1 << 20},
    Range{"embedding_length_per_layer_input", 0, 1 << 20},
    Range{"feed_forward_length", 0, 1 << 26},
    Range{"vocab_size", 0, 1 << 26},
    Range{"nextn_predict_layers", 0, 2048},
    Range{"expert_count", 0, 1 << 16},
    Range{"expert_used_count", 0, 1 << 16},
    Range{"full_attention_interval", 1, 2048},
    Range{"attention.head_count", 0, 1 << 16},
    Range{"attention.head_count_kv", 0, 1 << 16},
    Range{"attention.key_length", 0, 1 << 16},
    Range{"attention.value_length", 0, 1 << 16},
    Range{"attention.key_length_mla", 0, 1 << 16},
    Range{"attention.value_length_mla", 0, 1 << 16},
    Range{"attention.key_length_swa", 0, 1 << 16},
    Range{"attention.value_length_swa", 0, 1 << 16},
    Range{"attention.kv_lora_rank", 0, 1 << 16},
    Range{"attention.sliding_window", 0, 1U << 31U},
    Range{"attention.shared_kv_layers", 0, 2048},
    Range{"rope.dimension_count", 0, 1 << 16},
    Range{"ssm.conv_kernel", 0, 1 << 16},
    Range{"ssm.inner_size", 0, 1 << 24},
    Range{"ssm.state_size", 0, 1 << 20},
    Range{"ssm.group_count", 0, 1 << 16},
    Range{"shortconv.l_cache", 0, 1 << 16},
    Range{"wkv.head_size", 0, 1 << 16},
    Range{"token_shift_count", 0, 1 << 8},
    Range{"kda.head_dim", 0, 1 << 16},
};

constexpr std::size_t kMostTensors = 200'000;
constexpr double kMostElements = 0x1p45;  // of one tensor

std::optional<double> to_number(json::value const& value) {
    if (std::int64_t const* const number = value.if_int64()) {
        return static_cast<double>(*number);
    }
    if (std::uint64_t const* const number = value.if_uint64()) {
        return static_cast<double>(*number);
    }
    if (double const* const number = value.if_double();
        number != nullptr && *number == std::floor(*number)) {
        return *number;
    }
    return std::nullopt;
}

std::string shortened(json::value const& value) {
    constexpr std::size_t kMost = 40;
    std::string text = json::serialize(value);
    return text.size() <= kMost ? text : text.substr(0, kMost) + "...";
}

std::string defect_of(std::string const& name, json::value const& value, Range const& range) {
    std::optional<double> const number = to_number(value);
    if (!number) {
        return fmt::format("{} is {}, not a whole number", name, shortened(value));
    }
    if (*number < range.least || *number > range.most) {
        return fmt::format(
            "{} is {}, not {:.0f} to {:.0f}", name, shortened(value), range.least, range.most
        );
    }
    return {};
}

std::string metadata_defect(Metadata const& metadata) {
    for (Range const& range : kRanges) {
        json::value const* const value = metadata.find(range.key);
        if (value == nullptr || value->is_null()) {
            continue;
        }
        std::string const name = metadata.architecture() + '.' + std::string(range.key);
        json::array const* const items = value->if_array();
        if (items == nullptr) {
            if (std::string defect = defect_of(name, *value, range); !defect.empty()) {
                return defect;
            }
            continue;
        }
        for (std::size_t i = 0; i < items->size(); ++i) {
            // In a layer's place 0 says that the layer has none.
            Range const in_array{range.key, 0, range.most};
            std::string const place = fmt::format("{}[{}]", name, i);
            if (std::string defect = defect_of(place, (*items)[i], in_array); !defect.empty()) {
                return defect;
            }
        }
    }
    return {};
}

std::string shape_defect(std::string const& name, json::array const& shape) {
    double elements = 1;
    for (json::value const& size : shape) {
        std::optional<double> const number = to_number(size);
        if (!number || *number < 1) {
            return fmt::format("tensor {} has a side of {}", name, shortened(size));
        }
        elements *= *number;
    }
    return elements > kMostElements
               ? fmt::format(
                     "tensor {} has {:.3g} elements, more than any device could hold",
                     name,
                     elements
                 )
               : std::string();
}

// Their tensors may be single numbers without a shape; and the runtime of these formulas does not
// run them.
bool is_safetensors(json::object const& show) {
    json::value const* const details = show.if_contains("details");
    json::value const* const format = details == nullptr || !details->is_object()
                                          ? nullptr
                                          : details->get_object().if_contains("format");
    return format != nullptr && format->is_string() && format->get_string() == "safetensors";
}

std::string tensors_defect(json::object const& show) {
    json::value const* const list = show.if_contains("tensors");
    json::array const* const items = list == nullptr ? nullptr : list->if_array();
    if (items == nullptr || is_safetensors(show)) {
        return {};
    }
    if (items->size() > kMostTensors) {
        return fmt::format("{} tensors are listed, more than {}", items->size(), kMostTensors);
    }
    for (json::value const& item : *items) {
        json::object const* const tensor = item.if_object();
        json::value const* const name = tensor == nullptr ? nullptr : tensor->if_contains("name");
        json::value const* const shape = tensor == nullptr ? nullptr : tensor->if_contains("shape");
        if (name == nullptr || !name->is_string() || shape == nullptr || !shape->is_array() ||
            shape->get_array().empty()) {
            return fmt::format(
                "a listed tensor is {}, without a name and a shape", shortened(item)
            );
        }
        std::string defect = shape_defect(std::string(name->get_string()), shape->get_array());
        if (!defect.empty()) {
            return defect;
        }
    }
    return {};
}

}  // namespace

std::string find_defect(
    Geometry const& geometry, Metadata const& metadata, json::object const& show
) {
    if (std::string defect = metadata_defect(metadata); !defect.empty()) {
        return defect;
    }
    bool const needs_heads = !is_one_of(geometry.architecture, kRecurrentOnly);
    if (needs_heads && geometry.heads == 0 && metadata.scalar("attention.head_count")) {
        return geometry.architecture + ".attention.head_count is 0, and no tensor tells otherwise";
    }
    return tensors_defect(show);
}

}  // namespace plimsoll::memory
