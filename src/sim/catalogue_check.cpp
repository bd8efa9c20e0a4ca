#include "sim/catalogue_check.hpp"

#include "sim/digest.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <vector>

namespace plimsoll::sim {

void Place::wrong(std::string_view member, std::string_view what) const {
    if (!complaints->first.empty()) {
        return;
    }
    Json const* at = member.empty() ? nullptr : json->find(member);
    auto const line = at != nullptr ? at->line : json->line;
    std::string where = path;
    if (!member.empty()) {
        where += (where.empty() ? "" : ".") + std::string(member);
    }
    complaints->first =
        complaints->file + ":" + std::to_string(line) + ": " + where + " " + std::string(what);
}

void Place::only(std::initializer_list<std::string_view> names) const {
    if (!json->is(Json::Kind::Object)) {
        wrong("", "must be an object, not a " + std::string(json->go_name()));
        return;
    }
    std::vector<std::string_view> const known(names);
    for (auto const& [name, value] : json->members) {
        if (std::ranges::find(known, name) == known.end()) {
            auto const near = nearest(name, known);
            wrong(
                name,
                near ? "is no known member; did you mean \"" + std::string(*near) + "\"?"
                     : "is no known member"
            );
        }
    }
}

std::optional<Place> Place::member(std::string_view name, Json::Kind kind, bool required) const {
    Json const* found = json->find(name);
    if (found == nullptr) {
        if (required) {
            wrong(name, "is missing");
        }
        return std::nullopt;
    }
    if (!found->is(kind)) {
        wrong(name, "has the wrong type: a " + std::string(found->go_name()));
        return std::nullopt;
    }
    return Place(
        *complaints, *found, path.empty() ? std::string(name) : path + "." + std::string(name)
    );
}

Place Place::item(std::size_t index) const {
    return {*complaints, json->items[index], path + "[" + std::to_string(index) + "]"};
}

std::string Place::text(std::string_view name, std::optional<std::string> otherwise) const {
    auto const found = member(name, Json::Kind::String, !otherwise.has_value());
    return found ? found->json->text : otherwise.value_or("");
}

std::string Place::hex(std::string_view name) const {
    auto const found = member(name, Json::Kind::String, false);
    if (!found) {
        auto const* seed = json->find("id") != nullptr ? json->find("id") : json->find("name");
        return sha256_hex(seed != nullptr ? seed->text : path);
    }
    auto const& digits = found->json->text;
    if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdef") != std::string::npos) {
        wrong(name, "must be 64 hexadecimal digits");
    }
    return digits;
}

std::uint64_t Place::count(std::string_view name, std::optional<std::uint64_t> otherwise) const {
    auto const found = member(name, Json::Kind::Number, !otherwise.has_value());
    if (!found) {
        return otherwise.value_or(0);
    }
    auto const value = found->json->integer();
    if (!value || *value < 0) {
        wrong(name, "must be a whole number that is not negative, not " + found->json->text);
        return 0;
    }
    return static_cast<std::uint64_t>(*value);
}

Bytes Place::bytes(std::string_view name, std::optional<Bytes> otherwise) const {
    Json const* found = json->find(name);
    if (found == nullptr || !found->is(Json::Kind::String)) {
        return Bytes(count(name, otherwise ? std::optional(otherwise->count()) : std::nullopt));
    }
    auto const size = parse_bytes(found->text);
    if (!size) {
        wrong(name, "\"" + found->text + "\" is no size; write bytes, or \"4.5GiB\"");
        return {};
    }
    return *size;
}

bool Place::flag(std::string_view name) const {
    auto const found = member(name, Json::Kind::Bool, false);
    return found && found->json->boolean;
}

}  // namespace plimsoll::sim
