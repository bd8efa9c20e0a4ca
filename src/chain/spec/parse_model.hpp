#pragma once
// Parts of a specification that stand in several places.

#include "chain/spec/reader.hpp"

#include <plimsoll/chain/spec.hpp>

#include <string>

namespace plimsoll::chain {

// "ollama/name", "name", or {"name": ..., "params": {...}}.
ModelUse parse_model(
    boost::json::value const& value, std::string const& pointer, std::vector<Problem>& problems
);

// A text member with places for values; nullopt: absent.
std::optional<Template> parse_template(
    Reader& reader, std::string_view key, std::vector<Problem>& problems
);

// The elements of a list member that are texts; the others are problems.
std::vector<std::string> parse_texts(
    Reader& reader, std::string_view key, std::size_t most, std::vector<Problem>& problems
);

}  // namespace plimsoll::chain
