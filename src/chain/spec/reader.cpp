#include "chain/spec/reader.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::chain {

namespace {

// 1.5 as "1.5", 30 as "30".
std::string plain(double number) {
    return fmt::format("{}", number);
}

}  // namespace

std::string pointer_to(std::string_view parent, std::string_view key) {
    std::string out = std::string(parent) + "/";
    for (char const c : key) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out += c;
        }
    }
    return out;
}

std::string pointer_to(std::string_view parent, std::size_t index) {
    return std::string(parent) + "/" + std::to_string(index);
}

std::string_view kind_word(boost::json::value const& value) {
    switch (value.kind()) {
        case boost::json::kind::null:
            return "null";
        case boost::json::kind::bool_:
            return "true or false";
        case boost::json::kind::string:
            return "a text";
        case boost::json::kind::array:
            return "a list";
        case boost::json::kind::object:
            return "an object";
        default:
            return "a number";
    }
}

Reader::Reader(boost::json::value const& value, std::string pointer, std::vector<Problem>& problems)
    : object_(value.if_object()), pointer_(std::move(pointer)), problems_(problems) {
    if (object_ == nullptr) {
        note(fmt::format("wants an object, not {}", kind_word(value)));
    }
}

boost::json::value const* Reader::find(std::string_view key) {
    known_.push_back(key);
    return object_ == nullptr ? nullptr : object_->if_contains(key);
}

std::optional<std::string> Reader::text(std::string_view key) {
    auto const* const value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    auto const* const text = value->if_string();
    if (text == nullptr) {
        note(key, fmt::format("wants a text, not {}", kind_word(*value)));
        return std::nullopt;
    }
    return std::string(text->data(), text->size());
}

std::optional<bool> Reader::boolean(std::string_view key) {
    auto const* const value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    auto const* const boolean = value->if_bool();
    if (boolean == nullptr) {
        note(key, fmt::format("wants true or false, not {}", kind_word(*value)));
        return std::nullopt;
    }
    return *boolean;
}

std::optional<double> Reader::checked(
    std::string_view key, boost::json::value const& value, double least, double most
) {
    if (!value.is_number()) {
        note(key, fmt::format("wants a number, not {}", kind_word(value)));
        return std::nullopt;
    }
    auto const number = value.to_number<double>();
    // Written so that a number that is none fails, too.
    if (!(number >= least && number <= most)) {
        note(
            key,
            fmt::format(
                "is {}, and has to be between {} and {}", plain(number), plain(least), plain(most)
            )
        );
        return std::nullopt;
    }
    return number;
}

std::optional<std::int64_t> Reader::whole(
    std::string_view key, std::int64_t least, std::int64_t most
) {
    auto const* const value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    auto const number = checked(key, *value, static_cast<double>(least), static_cast<double>(most));
    if (!number) {
        return std::nullopt;
    }
    auto const rounded = static_cast<std::int64_t>(*number);
    if (static_cast<double>(rounded) != *number) {
        note(key, fmt::format("is {}, and has to be a whole number", plain(*number)));
        return std::nullopt;
    }
    return rounded;
}

std::optional<double> Reader::number(std::string_view key, double least, double most) {
    auto const* const value = find(key);
    return value == nullptr ? std::nullopt : checked(key, *value, least, most);
}

std::optional<Duration> Reader::seconds(std::string_view key, Duration least, Duration most) {
    auto const given = number(key, to_seconds(least), to_seconds(most));
    return given ? std::optional(from_seconds(*given)) : std::nullopt;
}

boost::json::array const* Reader::list(std::string_view key) {
    auto const* const value = find(key);
    if (value != nullptr && !value->is_array()) {
        note(key, fmt::format("wants a list, not {}", kind_word(*value)));
    }
    return value == nullptr ? nullptr : value->if_array();
}

void Reader::note(std::string_view key, std::string message) {
    problems_.push_back({pointer_to(pointer_, key), std::move(message)});
}

void Reader::note(std::string message) {
    problems_.push_back({pointer_, std::move(message)});
}

void Reader::finish() {
    if (object_ == nullptr) {
        return;
    }
    for (auto const& member : *object_) {
        std::string_view const key = member.key();
        if (std::ranges::find(known_, key) != known_.end()) {
            continue;
        }
        auto const meant = nearest(key, known_);
        note(
            key,
            meant ? fmt::format("is unknown; do you mean \"{}\"?", *meant)
                  : fmt::format("is unknown; there are {}", fmt::join(known_, ", "))
        );
    }
}

}  // namespace plimsoll::chain
