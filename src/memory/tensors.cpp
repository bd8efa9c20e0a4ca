#include "memory/show.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace plimsoll::memory {

namespace {

namespace json = boost::json;

constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();

// Numbers come as any of JSON's kinds; negative ones mean nothing here.
std::optional<std::uint32_t> to_u32(json::value const& value) {
    if (bool const* const truth = value.if_bool()) {
        return *truth ? 1 : 0;
    }
    if (std::uint64_t const* const number = value.if_uint64()) {
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(*number, kMax));
    }
    if (std::int64_t const* const number = value.if_int64()) {
        return *number < 0
                   ? std::nullopt
                   : std::optional(static_cast<std::uint32_t>(std::min<std::int64_t>(*number, kMax))
                     );
    }
    if (double const* const number = value.if_double(); number != nullptr && *number >= 0) {
        return static_cast<std::uint32_t>(std::min(*number, static_cast<double>(kMax)));
    }
    return std::nullopt;
}

std::string in_layer(std::uint32_t layer, std::string_view name) {
    return "blk." + std::to_string(layer) + '.' + std::string(name);
}

}  // namespace

Metadata::Metadata(json::object const& show) {
    json::value const* const info = show.if_contains("model_info");
    info_ = info == nullptr ? nullptr : info->if_object();
    json::value const* const name =
        info_ == nullptr ? nullptr : info_->if_contains("general.architecture");
    if (name != nullptr && name->is_string()) {
        architecture_ = std::string(name->get_string());
    }
}

json::value const* Metadata::find(std::string_view key) const {
    if (info_ == nullptr) {
        return nullptr;
    }
    return info_->if_contains(architecture_ + '.' + std::string(key));
}

bool Metadata::has(std::string_view key) const {
    return find(key) != nullptr;
}

std::vector<std::uint32_t> Metadata::array(std::string_view key) const {
    json::value const* const value = find(key);
    json::array const* const items = value == nullptr ? nullptr : value->if_array();
    std::vector<std::uint32_t> numbers;
    if (items != nullptr) {
        for (json::value const& item : *items) {
            numbers.push_back(to_u32(item).value_or(0));
        }
    }
    return numbers;
}

std::optional<std::uint32_t> Metadata::scalar(std::string_view key) const {
    json::value const* const value = find(key);
    return value == nullptr || value->is_array() ? std::nullopt : to_u32(*value);
}

std::optional<std::uint32_t> Metadata::number(std::string_view key) const {
    json::value const* const value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    if (value->is_array()) {
        std::vector<std::uint32_t> const numbers = array(key);
        return numbers.empty() ? std::nullopt : std::optional(*std::ranges::max_element(numbers));
    }
    return to_u32(*value);
}

std::uint32_t Metadata::number_or(std::string_view key, std::uint32_t otherwise) const {
    return number(key).value_or(otherwise);
}

Tensors::Tensors(json::object const& show) {
    json::value const* const list = show.if_contains("tensors");
    json::array const* const items = list == nullptr ? nullptr : list->if_array();
    if (items == nullptr) {
        return;
    }
    for (json::value const& item : *items) {
        json::object const* const tensor = item.if_object();
        json::value const* const name = tensor == nullptr ? nullptr : tensor->if_contains("name");
        json::value const* const shape = tensor == nullptr ? nullptr : tensor->if_contains("shape");
        if (name == nullptr || !name->is_string() || shape == nullptr || !shape->is_array() ||
            shape->get_array().empty()) {
            continue;
        }
        json::array const& sizes = shape->get_array();
        std::size_t const outputs = sizes.size() > 1 ? 1 : 0;
        rows_.insert_or_assign(std::string(name->get_string()), to_u32(sizes[outputs]).value_or(0));
        inputs_.insert_or_assign(std::string(name->get_string()), to_u32(sizes[0]).value_or(0));
        json::value const* const type = tensor->if_contains("type");
        Tensor& one = list_.emplace_back();
        one.name = std::string(name->get_string());
        one.type = type != nullptr && type->is_string() ? std::string(type->get_string()) : "";
        for (json::value const& size : sizes) {
            one.shape.push_back(to_u32(size).value_or(0));
        }
    }
}

std::uint32_t Tensors::rows(std::string const& name) const {
    auto const found = rows_.find(name);
    return found == rows_.end() ? 0 : found->second;
}

std::uint32_t Tensors::rows(std::uint32_t layer, std::string_view name) const {
    return rows(in_layer(layer, name));
}

std::uint64_t Tensors::inputs(std::uint32_t layer, std::string_view name) const {
    auto const found = inputs_.find(in_layer(layer, name));
    return found == inputs_.end() ? 0 : found->second;
}

bool Tensors::has(std::uint32_t layer, std::string_view name) const {
    return has(in_layer(layer, name));
}

std::uint32_t Tensors::widest(std::uint32_t layers, std::string_view name) const {
    std::uint32_t widest = 0;
    for (std::uint32_t layer = 0; layer < layers; ++layer) {
        widest = std::max(widest, rows(layer, name));
    }
    return widest;
}

}  // namespace plimsoll::memory
