#include "sim/answer.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>

namespace plimsoll::sim {

namespace {

constexpr std::string_view kWords[] = {
    " water",   " hull",  " line", " cargo",  " mark",    " harbour", " load", " deck",
    " draught", " tide",  " keel", " port",   " ballast", " anchor",  " wind", " chart",
    " crew",    " depth", " salt", " summer", " winter",  " fresh",   " sea",  " north",
};
constexpr std::string_view kOpening[] = {"This", " is", " a", " simulated", " answer"};
constexpr std::string_view kThought[] = {"This", " is", " a", " simulated", " thought", "."};

std::uint64_t next(std::uint64_t& state) {
    state += 0x9E3779B97F4A7C15ULL;
    auto z = state;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
}

// The least value that a JSON schema accepts, with a word that says where it comes from.
boost::json::value value_of(Json const* schema, unsigned depth) {
    Json const* type = schema != nullptr ? schema->find("type") : nullptr;
    Json const* choices = schema != nullptr ? schema->find("enum") : nullptr;
    if (choices != nullptr && !choices->items.empty()) {
        return to_boost(choices->items.front());
    }
    auto const name = type != nullptr ? type->text : std::string("string");
    if (name == "integer" || name == "number") {
        return 1;
    }
    if (name == "boolean") {
        return true;
    }
    if (name == "array") {
        return boost::json::array{value_of(schema->find("items"), depth + 1)};
    }
    if (name == "object" && depth < 16) {
        boost::json::object out;
        if (auto const* properties = schema->find("properties"); properties != nullptr) {
            for (auto const& [key, member] : properties->members) {
                out[key] = value_of(&member, depth + 1);
            }
        }
        return out;
    }
    return "simulated";
}

// Cuts a text into tokens of a few bytes, at most `each` long, without cutting UTF-8 apart.
void push_text(std::vector<Piece>& out, std::string_view text, std::size_t each) {
    while (!text.empty()) {
        auto size = std::min(each, text.size());
        while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) {
            ++size;
        }
        out.push_back({Piece::Kind::Text, std::string(text.substr(0, size)), {}});
        text.remove_prefix(size);
    }
}

void push_tool_call(std::vector<Piece>& out, Json const& tools) {
    auto const& tool = tools.items.front();
    // OpenAI and Ollama wrap the function; Anthropic and the responses API do not.
    auto const* function = tool.find("function") != nullptr ? tool.find("function") : &tool;
    auto const* name = function->find("name");
    auto const* schema = function->find("parameters");
    if (schema == nullptr) {
        schema = function->find("input_schema");
    }
    Piece call{Piece::Kind::ToolCall, name != nullptr ? name->text : "tool", {}};
    auto arguments = value_of(schema, 0);
    if (arguments.is_object()) {
        call.arguments = std::move(arguments.get_object());
    }
    out.push_back(std::move(call));
}

void push_words(std::vector<Piece>& out, Question const& question, std::size_t wanted) {
    for (auto const word : kOpening) {
        out.push_back({Piece::Kind::Text, std::string(word), {}});
    }
    out.push_back({Piece::Kind::Text, " by " + question.model, {}});
    out.push_back({Piece::Kind::Text, ":", {}});
    auto state = hash_text(question.prompt, question.seed);
    while (out.size() + 1 < wanted) {
        out.push_back({Piece::Kind::Text, std::string(kWords[next(state) % std::size(kWords)]), {}}
        );
    }
    out.push_back({Piece::Kind::Text, ".", {}});
}

}  // namespace

std::string Answer::text(Piece::Kind kind) const {
    std::string out;
    for (auto const& piece : pieces) {
        if (piece.kind == kind) {
            out += piece.text;
        }
    }
    return out;
}

bool Answer::calls_tools() const {
    return std::ranges::any_of(pieces, [](Piece const& piece) {
        return piece.kind == Piece::Kind::ToolCall;
    });
}

Answer answer(Question const& question) {
    Answer out;
    out.prompt_tokens = count_tokens(question.prompt) + 8;
    if (question.thinks) {
        for (auto const word : kThought) {
            out.pieces.push_back({Piece::Kind::Thought, std::string(word), {}});
        }
    }
    // A number of tokens that was asked for is given exactly, so that a test can have a long
    // stream.
    bool const is_cut = question.num_predict && *question.num_predict > 0;
    auto const natural = 40 + hash_text(question.prompt, question.seed) % 40;
    auto const wanted = is_cut ? static_cast<std::size_t>(*question.num_predict) : natural;
    if (question.tools != nullptr && !question.tools->items.empty()) {
        push_tool_call(out.pieces, *question.tools);
        return out;
    }
    if (question.format != nullptr) {
        auto value = question.format->is(Json::Kind::Object) ? value_of(question.format, 0)
                                                             : boost::json::value();
        if (value.is_null()) {
            value =
                boost::json::object{{"answer", "This is a simulated answer by " + question.model}};
        }
        push_text(out.pieces, boost::json::serialize(value), 4);
    } else {
        push_words(
            out.pieces,
            question,
            std::max<std::size_t>(wanted, out.pieces.size() + 8) + (is_cut ? 1 : 0)
        );
    }
    if (is_cut && out.pieces.size() > wanted) {
        out.pieces.resize(wanted);
        out.done_reason = "length";
    } else if (question.max_tokens && *question.max_tokens > 0 &&
               static_cast<std::uint64_t>(*question.max_tokens) < out.pieces.size()) {
        out.pieces.resize(static_cast<std::size_t>(*question.max_tokens));
        out.done_reason = "length";
    }
    return out;
}

std::size_t count_tokens(std::string_view text) {
    return (text.size() + 3) / 4;
}

std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
    std::uint64_t hash = 0xCBF29CE484222325ULL ^ seed;
    for (char const c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    }
    return hash;
}

std::vector<double> embedding(std::string_view text, std::size_t size) {
    std::vector<double> out(size);
    auto state = hash_text(text);
    double sum = 0;
    for (auto& value : out) {
        value = static_cast<double>(next(state) >> 11U) / 9007199254740992.0 - 0.5;
        sum += value * value;
    }
    for (auto& value : out) {
        value /= std::sqrt(sum);
    }
    return out;
}

}  // namespace plimsoll::sim
