#include "control/query.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace plimsoll::control {
namespace {

std::unexpected<Error> bad(std::string text) {
    return fail(Errc::BadRequest, std::move(text), ErrorSource::Client);
}

// nullopt: an escape without two hex digits.
std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i] == '+' ? ' ' : text[i];
            continue;
        }
        auto const digits = text.substr(i + 1, 2);
        unsigned value = 0;
        auto const read = std::from_chars(digits.begin(), digits.end(), value, 16);
        if (digits.size() != 2 || read.ec != std::errc() || read.ptr != digits.end()) {
            return std::nullopt;
        }
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

}  // namespace

Result<Query> read_query(
    http::RequestHead const& head, std::span<std::string_view const> known_names
) {
    Query out;
    for (auto const part : split(head.query, '&')) {
        if (part.empty()) {
            continue;
        }
        auto const sign = std::min(part.find('='), part.size());
        auto name = decoded(part.substr(0, sign));
        auto value = decoded(part.substr(std::min(sign + 1, part.size())));
        if (!name || !value) {
            return bad(fmt::format("\"{}\" in the query is escaped wrongly", printable(part, 80)));
        }
        if (std::ranges::find(known_names, std::string_view(*name)) == known_names.end()) {
            auto const guess = nearest(*name, known_names);
            auto const hint = guess ? fmt::format("did you mean \"{}\"?", *guess)
                                    : fmt::format("known are: {}", fmt::join(known_names, ", "));
            return bad(
                fmt::format("unknown parameter \"{}\" in the query; {}", printable(*name, 80), hint)
            );
        }
        auto const added = out.emplace(std::move(*name), std::move(*value));
        if (!added.second) {
            return bad(fmt::format("\"{}\" stands twice in the query", added.first->first));
        }
    }
    return out;
}

Result<std::optional<std::uint64_t>> number_parameter(
    Query const& query, std::string_view name, std::uint64_t least, std::uint64_t most
) {
    auto const found = query.find(name);
    if (found == query.end()) {
        return std::optional<std::uint64_t>();
    }
    auto const number = parse_u64(found->second);
    if (!number || *number < least || *number > most) {
        return bad(fmt::format(
            "\"{}\" in the query must be a whole number from {} to {}, not \"{}\"",
            name,
            least,
            most,
            printable(found->second, 40)
        ));
    }
    return number;
}

Result<bool> flag_parameter(Query const& query, std::string_view name, bool otherwise) {
    auto const found = query.find(name);
    if (found == query.end()) {
        return otherwise;
    }
    auto const& text = found->second;
    bool const is_yes = text == "1" || text == "true";
    if (!is_yes && text != "0" && text != "false") {
        return bad(
            fmt::format("\"{}\" in the query must be 1 or 0, not \"{}\"", name, printable(text, 40))
        );
    }
    return is_yes;
}

}  // namespace plimsoll::control
