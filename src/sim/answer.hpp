#pragma once
// What the simulated model says: always that it is simulated, the same words for the same question,
// cut where the request says. Pure.

#include "sim/json.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::sim {

struct Piece {
    enum class Kind : std::uint8_t { Text, Thought, ToolCall };
    Kind kind = Kind::Text;
    std::string text;  // one token; for a tool call its name
    boost::json::object arguments;
};

struct Answer {
    std::vector<Piece> pieces;
    std::string done_reason = "stop";  // stop, length, tool_calls is told by the pieces
    std::size_t prompt_tokens = 0;

    [[nodiscard]] std::string text(Piece::Kind kind) const;
    [[nodiscard]] bool calls_tools() const;
};

struct Question {
    std::string prompt;  // all text that goes in; only counted and hashed
    std::string model;
    std::optional<std::int64_t> num_predict;  // exactly that many tokens
    std::optional<std::int64_t> max_tokens;   // at most
    bool thinks = false;
    Json const* tools = nullptr;   // declared tools; the first one is called
    Json const* format = nullptr;  // "json" or a schema
    std::uint64_t seed = 0;
};

Answer answer(Question const& question);

// Tokens of a text: about four bytes each.
std::size_t count_tokens(std::string_view text);
std::uint64_t hash_text(std::string_view text, std::uint64_t seed = 0);
// A unit vector that depends on the text alone.
std::vector<double> embedding(std::string_view text, std::size_t size);

}  // namespace plimsoll::sim
