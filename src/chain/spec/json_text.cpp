#include "chain/spec/json_text.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/parse.hpp>

namespace plimsoll::chain {

namespace {

constexpr std::size_t kDeepest = 64;

// Models like to wrap what they were asked for: ```json ... ```
std::string_view without_fence(std::string_view text) {
    constexpr std::string_view kFence = "```";
    text = trim(text);
    std::size_t const line = text.find('\n');
    bool const is_fenced = text.starts_with(kFence) && text.ends_with(kFence) &&
                           line != std::string_view::npos && line + kFence.size() < text.size();
    return is_fenced ? text.substr(line + 1, text.size() - line - 1 - kFence.size()) : text;
}

}  // namespace

std::optional<boost::json::value> parse_given(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = kDeepest;
    boost::system::error_code broken;
    auto document = boost::json::parse(without_fence(text), broken, {}, options);
    return broken ? std::nullopt : std::optional(std::move(document));
}

std::string_view text_member(boost::json::object const& object, std::string_view key) {
    auto const* const value = object.if_contains(key);
    auto const* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

double number_member(boost::json::object const& object, std::string_view key) {
    auto const* const value = object.if_contains(key);
    return value == nullptr || !value->is_number() ? 0 : value->to_number<double>();
}

std::uint64_t count_member(boost::json::object const& object, std::string_view key) {
    auto const number = number_member(object, key);
    return number <= 0 ? 0 : static_cast<std::uint64_t>(number);
}

}  // namespace plimsoll::chain
