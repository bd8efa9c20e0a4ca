#pragma once
// Chains and inputs as they are given on the command line: files in JSON or TOML, names, standard
// input.

#include <plimsoll/base/result.hpp>

#include <boost/json/value.hpp>

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::app {

// "-", something that ends in .json or .toml, or a path that is there and no folder.
bool is_chain_file(std::string const& text);
// Whether it may be the name of a saved chain, or the id of a run: what is not would be another
// path of the API.
bool is_plain_name(std::string_view text);

struct SourceText {
    std::string name;  // as messages name it, printable
    std::string text;
};

// "-" is standard input. The error names the file.
Result<SourceText> read_source(std::string const& file);

// By the file's ending, else by whether it begins as a JSON object does. The error is one line:
// "FILE:LINE: what".
std::expected<boost::json::value, std::string> parse_chain(
    SourceText const& source, std::string const& file
);

// What is wrong with a document, as the daemon's answer tells it: "FILE: POINTER: message" each;
// none if the answer tells of something else.
std::vector<std::string> problem_lines(std::string const& name, boost::json::value const& answer);

}  // namespace plimsoll::app
