// The only file that sees toml++: its header costs seconds in every file that includes it.

#include "config/value.hpp"

#include <plimsoll/base/text.hpp>

// Without its shared library: one package less to have at run time.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
// toml++ 3.3 asserts that a table's name begins like a key, just before it reports that as an error
// of the text ("[$x]"). With NDEBUG it even tells the compiler to assume so. Without both, the
// report is what happens.
#define TOML_ASSERT(expression) static_assert(true)
#pragma push_macro("NDEBUG")
#undef NDEBUG
#include <toml++/toml.h>
#pragma pop_macro("NDEBUG")

#include <algorithm>
#include <string>
#include <utility>

namespace plimsoll::config {

namespace {

Value convert(toml::node const& node, std::string_view file_name);

Table convert_table(toml::table const& table, std::string_view file_name) {
    Table out;
    for (auto const& [key, node] : table) {
        out.push_back({std::string(key.str()), convert(node, file_name)});
        // The key's line: a table's own begins after its header, and a value may begin lines below
        // its key.
        out.back().value.origin.line = key.source().begin.line;
    }
    return out;
}

Value convert(toml::node const& node, std::string_view file_name) {
    Value value;
    value.origin = {Origin::Kind::File, std::string(file_name), node.source().begin.line};
    if (auto const* table = node.as_table()) {
        value.data = convert_table(*table, file_name);
    } else if (auto const* array = node.as_array()) {
        Value::Array items;
        for (toml::node const& item : *array) {
            items.push_back(convert(item, file_name));
        }
        value.data = std::move(items);
    } else if (auto const* text = node.as_string()) {
        value.data = text->get();
    } else if (auto const* whole = node.as_integer()) {
        value.data = whole->get();
    } else if (auto const* real = node.as_floating_point()) {
        value.data = real->get();
    } else if (auto const* boolean = node.as_boolean()) {
        value.data = boolean->get();
    } else {
        value.data = Value::Other{};
    }
    return value;
}

bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

// Steps over a string that begins at `at`; returns where it ends, or a byte that no string may have
// there.
std::size_t skip_string(std::string_view text, std::size_t at) {
    char const quote = text[at];
    bool const is_long = text.substr(at, 3) == std::string(3, quote);
    at += is_long ? 3 : 1;
    for (; at < text.size(); ++at) {
        if (quote == '"' && text[at] == '\\') {
            ++at;
            if (at < text.size() && !is_ascii(text[at])) {
                return at;
            }
        } else if (text[at] == quote && (!is_long || text.substr(at, 3) == std::string(3, quote))) {
            at += is_long ? 3 : 1;
            for (int more = 0; is_long && more < 2 && at < text.size() && text[at] == quote;
                 ++more) {
                ++at;  // up to two quotes may stand right before the closing three
            }
            return at;
        } else if (text[at] == '\n' && !is_long) {
            return at;
        }
    }
    return at;
}

// The first byte beyond ASCII outside of strings and comments, where TOML has none. toml++ 3.3 runs
// into undefined behaviour when it asks whether such a character is white space.
std::size_t find_stray(std::string_view text) {
    std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
    while (at < text.size() && is_ascii(text[at])) {
        if (text[at] == '#') {
            at = std::min(text.find('\n', at), text.size());
        } else if (text[at] == '"' || text[at] == '\'') {
            at = skip_string(text, at);
        } else {
            ++at;
        }
    }
    return at;
}

}  // namespace

std::expected<Table, Problem> parse_toml(std::string_view text, std::string_view file_name) {
    if (auto const stray = find_stray(text); stray < text.size()) {
        return std::unexpected(Problem{
            .file = std::string(file_name),
            .line = static_cast<unsigned>(std::ranges::count(text.substr(0, stray), '\n') + 1),
            .text = "this is not TOML: a character beyond ASCII outside of a string",
        });
    }
    toml::parse_result const parsed = toml::parse(text, file_name);
    if (!parsed) {
        toml::parse_error const& error = parsed.error();
        return std::unexpected(Problem{
            .file = std::string(file_name),
            .line = error.source().begin.line,
            .text = "this is not TOML: " + printable(error.description(), 300),
        });
    }
    return convert_table(parsed.table(), file_name);
}

}  // namespace plimsoll::config
