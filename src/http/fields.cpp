#include "http/chars.hpp"
#include "http/known_fields.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/head.hpp>

#include <algorithm>

namespace plimsoll::http {

KnownField known_field(std::string_view name) {
    switch (name.size()) {
        case 2:
            return is_name(name, "te") ? KnownField::HopByHop : KnownField::Other;
        case 4:
            return is_name(name, "host") ? KnownField::Host : KnownField::Other;
        case 6:
            return is_name(name, "expect") ? KnownField::Expect : KnownField::Other;
        case 7:
            if (is_name(name, "upgrade")) {
                return KnownField::Upgrade;
            }
            return is_name(name, "trailer") ? KnownField::HopByHop : KnownField::Other;
        case 10:
            if (is_name(name, "connection")) {
                return KnownField::Connection;
            }
            return is_name(name, "keep-alive") ? KnownField::HopByHop : KnownField::Other;
        case 14:
            if (is_name(name, "content-length")) {
                return KnownField::ContentLength;
            }
            return is_name(name, "http2-settings") ? KnownField::HopByHop : KnownField::Other;
        case 16:
            return is_name(name, "proxy-connection") ? KnownField::HopByHop : KnownField::Other;
        case 17:
            return is_name(name, "transfer-encoding") ? KnownField::TransferEncoding
                                                      : KnownField::Other;
        case 18:
            return is_name(name, "proxy-authenticate") ? KnownField::HopByHop : KnownField::Other;
        case 19:
            return is_name(name, "proxy-authorization") ? KnownField::HopByHop : KnownField::Other;
        default:
            return KnownField::Other;
    }
}

void Fields::reserve(std::size_t bytes, std::size_t fields) {
    text_.reserve(bytes);
    entries_.reserve(fields);
}

void Fields::add(std::string_view name, std::string_view value) {
    auto const begin = static_cast<std::uint32_t>(text_.size());
    text_.append(name);
    text_.append(value);
    auto const name_size = static_cast<std::uint32_t>(name.size());
    entries_.push_back(
        {begin, name_size, begin + name_size, static_cast<std::uint32_t>(value.size())}
    );
}

void Fields::remove(std::string_view name) {
    // The text stays behind: heads are short and live for one message.
    std::erase_if(entries_, [&](Entry const& entry) {
        return iequals(std::string_view(text_).substr(entry.name_begin, entry.name_size), name);
    });
}

void Fields::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

std::optional<std::string_view> Fields::get(std::string_view name) const {
    for (auto const field : *this) {
        if (field.name.size() == name.size() && iequals(field.name, name)) {
            return field.value;
        }
    }
    return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
    std::size_t found = 0;
    for (auto const field : *this) {
        found += field.name.size() == name.size() && iequals(field.name, name) ? 1U : 0U;
    }
    return found;
}

Field Fields::operator[](std::size_t index) const {
    auto const& entry = entries_[index];
    std::string_view const text = text_;
    return {
        text.substr(entry.name_begin, entry.name_size),
        text.substr(entry.value_begin, entry.value_size)
    };
}

void Fields::clear() {
    text_.clear();
    entries_.clear();
}

namespace {

// Names listed in Connection (RFC 9110 7.6.1), without the two options that everybody sends.
std::vector<std::string_view> named_in_connection(Fields const& fields) {
    std::vector<std::string_view> names;
    for (auto const field : fields) {
        if (known_field(field.name) != KnownField::Connection) {
            continue;
        }
        each_element(field.value, [&](std::string_view option) {
            if (!is_name(option, "close") && !is_name(option, "keep-alive")) {
                names.push_back(option);
            }
        });
    }
    return names;
}

}  // namespace

EndToEnd::EndToEnd(Fields const& fields) : named_(named_in_connection(fields)) {}

bool EndToEnd::keeps(Field const& field) const {
    return known_field(field.name) == KnownField::Other &&
           std::ranges::none_of(named_, [&](std::string_view name) {
               return iequals(name, field.name);
           });
}

Fields end_to_end(Fields const& fields) {
    EndToEnd const next_hop(fields);
    Fields kept;
    kept.reserve(fields.text_size(), fields.size() + 4);
    for (auto const field : fields) {
        if (next_hop.keeps(field)) {
            kept.add(field.name, field.value);
        }
    }
    return kept;
}

}  // namespace plimsoll::http
