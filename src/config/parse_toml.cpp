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

}  // namespace

std::expected<Table, Problem> parse_toml(std::string_view text, std::string_view file_name) {
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
