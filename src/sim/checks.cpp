#include "sim/checks.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <cctype>

namespace plimsoll::sim {

namespace {

bool is_base64(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/';
}

// Where the text stops being base64; npos: nowhere.
std::size_t first_wrong(std::string_view text) {
    auto const digits =
        static_cast<std::size_t>(std::ranges::find_if_not(text, is_base64) - text.begin());
    auto const padding = text.substr(digits);
    if (padding.find_first_not_of('=') != std::string_view::npos || padding.size() > 2) {
        return digits;
    }
    return text.size() % 4 == 0 ? std::string_view::npos : text.size();
}

}  // namespace

OrRefused<Think> read_think(Json const& body) {
    auto const* think = body.find_folded("think");
    if (think == nullptr) {
        return Think::Default;
    }
    if (think->is(Json::Kind::Bool)) {
        return think->boolean ? Think::On : Think::Off;
    }
    static constexpr std::string_view kLevels[] = {"high", "medium", "low", "max"};
    if (think->is(Json::Kind::String) &&
        std::ranges::find(kLevels, think->text) != std::end(kLevels)) {
        return Think::On;
    }
    return refuse(
        400,
        "invalid think value: \"" + think->text +
            "\" (must be \"high\", \"medium\", \"low\", \"max\", true, or false)"
    );
}

OrRefused<void> check_images(Json const& holder) {
    auto const* images = holder.find_folded("images");
    if (images == nullptr) {
        return {};
    }
    for (auto const& image : images->items) {
        if (auto const wrong = first_wrong(image.text); wrong != std::string_view::npos) {
            return refuse(400, "illegal base64 data at input byte " + std::to_string(wrong));
        }
    }
    return {};
}

Refused check_format(Json const* format) {
    if (format == nullptr || format->is(Json::Kind::Object) ||
        (format->is(Json::Kind::String) && (format->text.empty() || format->text == "json"))) {
        return {0, {}};
    }
    auto const shown =
        format->is(Json::Kind::String) ? "\"" + format->text + "\"" : std::string(format->text);
    return {500, "invalid format: " + shown + "; expected \"json\" or a valid JSON Schema object"};
}

Refused check_logprobs(Json const& body) {
    auto const* top = body.find_folded("top_logprobs");
    if (top != nullptr && top->is(Json::Kind::Number) && (top->number < 0 || top->number > 20)) {
        return {400, "top_logprobs must be between 0 and 20"};
    }
    return {0, {}};
}

}  // namespace plimsoll::sim
