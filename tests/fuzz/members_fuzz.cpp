// The member finder against a second parser: what one calls JSON the other must too, but for limits
// that only one of them has; and an edited body is still one, without what was cut.

#include <plimsoll/http/members.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace plimsoll;
using namespace plimsoll::http;

namespace {

namespace json = boost::json;

boost::system::error_code parse_strictly(std::string_view text) {
    json::parse_options options;
    options.allow_invalid_utf8 = true;  // Go replaces it
    boost::system::error_code error;
    static_cast<void>(json::parse(text, error, {}, options));
    return error;
}

// Limits that only Boost.JSON has: depth 32, no exponents beyond an int, no lone surrogates in
// escapes.
bool is_own_limit(std::string_view text, boost::system::error_code const& error) {
    return error == json::error::too_deep || error == json::error::exponent_overflow ||
           text.find("\\ud") != std::string_view::npos ||
           text.find("\\uD") != std::string_view::npos;
}

void check_edit(std::string_view body, BodyMembers const& members) {
    BodyEdit edit;
    edit.cut_members = {"keep_alive", "model", "stream"};
    edit.cut_options = {"num_gpu"};
    edit.set_options = {{"num_ctx", "4096"}};
    auto const spliced = splice(body, members, edit);
    std::string text;
    for (auto const piece : spliced.pieces) {
        text += piece;
    }
    PLIMSOLL_ASSERT(text.size() == spliced.size);
    auto const again = find_members(text);
    PLIMSOLL_ASSERT(again);
    if (!members.is_object ||
        (members.options && members.options->value.kind != RawValue::Kind::Object)) {
        return;
    }
    PLIMSOLL_ASSERT(!again->keep_alive && !again->model && !again->stream);
    auto const of = [&](std::string_view name) {
        return std::ranges::find(again->option_members, name, &Member::name);
    };
    PLIMSOLL_ASSERT(of("num_gpu") == again->option_members.end());
    PLIMSOLL_ASSERT(
        of("num_ctx") != again->option_members.end() && of("num_ctx")->value.text == "4096"
    );
}

void check_values(BodyMembers const& members) {
    if (members.keep_alive) {
        static_cast<void>(parse_keep_alive(members.keep_alive->value));
    }
    for (auto const& option : members.option_members) {
        static_cast<void>(parse_integer_option(option.name, option.value));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const body(reinterpret_cast<char const*>(data), size);
    auto const members = find_members(body);
    if (!members) {
        // A refusal for the kind of the top level or for endless repeats concerns valid JSON.
        auto const& message = members.error().message;
        bool const is_syntax = message.starts_with("invalid character") || message.ends_with("EOF");
        PLIMSOLL_ASSERT(!is_syntax || parse_strictly(body));
        return 0;
    }
    auto const value =
        body.substr(members->object.begin, members->object.end - members->object.begin);
    auto const error = parse_strictly(value);
    PLIMSOLL_ASSERT(!error || is_own_limit(value, error));
    check_values(*members);
    check_edit(body, *members);
    return 0;
}
