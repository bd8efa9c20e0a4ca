#include "sim/json.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <charconv>

namespace plimsoll::sim {

namespace {

// Simple folding as far as ASCII names can meet it: besides A-Z, only two code points fold to ASCII
// letters.
std::string fold(std::string_view name) {
    std::string out = to_lower(name);
    static constexpr std::string_view kKelvin = "\xE2\x84\xAA", kLongS = "\xC5\xBF";
    for (auto at = out.find(kKelvin); at != std::string::npos; at = out.find(kKelvin)) {
        out.replace(at, kKelvin.size(), "k");
    }
    for (auto at = out.find(kLongS); at != std::string::npos; at = out.find(kLongS)) {
        out.replace(at, kLongS.size(), "s");
    }
    return out;
}

}  // namespace

Json::Json() = default;
Json::~Json() = default;
Json::Json(Json const& other) = default;
Json& Json::operator=(Json const& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(Json&& other) noexcept = default;

std::optional<std::int64_t> Json::integer() const {
    std::int64_t out = 0;
    auto const* end = text.data() + text.size();
    auto const result = std::from_chars(text.data(), end, out);
    if (kind != Kind::Number || result.ec != std::errc() || result.ptr != end) {
        return std::nullopt;
    }
    return out;
}

Json const* Json::find(std::string_view name) const {
    for (auto it = members.rbegin(); it != members.rend(); ++it) {
        if (it->name == name) {
            return &it->value;
        }
    }
    return nullptr;
}

Json const* Json::find_folded(std::string_view name, bool null_clears) const {
    for (auto it = members.rbegin(); it != members.rend(); ++it) {
        if (fold(it->name) != name) {
            continue;
        }
        if (!it->value.is(Kind::Null)) {
            return &it->value;
        }
        if (null_clears) {
            return nullptr;
        }
    }
    return nullptr;
}

std::vector<Json const*> Json::all_folded(std::string_view name) const {
    std::vector<Json const*> out;
    for (auto const& [key, member] : members) {
        if (fold(key) == name) {
            out.push_back(&member);
        }
    }
    return out;
}

std::string_view Json::go_name() const {
    switch (kind) {
        case Kind::Null:
            return "null";
        case Kind::Bool:
            return "bool";
        case Kind::Number:
            return "number";
        case Kind::String:
            return "string";
        case Kind::Array:
            return "array";
        case Kind::Object:
            return "object";
    }
    return "value";
}

boost::json::value to_boost(Json const& json) {
    switch (json.kind) {
        case Json::Kind::Null:
            return nullptr;
        case Json::Kind::Bool:
            return json.boolean;
        case Json::Kind::Number: {
            auto const whole = json.integer();
            return whole ? boost::json::value(*whole) : boost::json::value(json.number);
        }
        case Json::Kind::String:
            return boost::json::value(json.text);
        case Json::Kind::Array: {
            boost::json::array out;
            for (auto const& item : json.items) {
                out.push_back(to_boost(item));
            }
            return out;
        }
        case Json::Kind::Object: {
            boost::json::object out;
            for (auto const& [name, member] : json.members) {
                out[name] = to_boost(member);
            }
            return out;
        }
    }
    return nullptr;
}

}  // namespace plimsoll::sim
