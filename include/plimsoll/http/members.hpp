#pragma once
// Finds the few members of a JSON request body that a scheduler needs, without building a tree: one
// pass over the bytes, constant memory. It reads as Go's encoding/json does: only the first value
// counts; keys of the top level match by Unicode case folding and through escapes; the last of
// duplicates wins; `options` objects are merged; null counts as absent. Pure.

#include <plimsoll/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace plimsoll::http {

// Half-open range of bytes in the body.
struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;
};

// A scalar as found; Json is the raw text of an object or array.
struct RawValue {
    enum class Kind : std::uint8_t { Null, Bool, Number, String, Array, Object };
    Kind kind = Kind::Null;
    std::string
        text;     // decoded string, literal of a number or bool; empty for null, arrays and objects
    Range where;  // the value's bytes
    bool is_empty = false;  // "", [], {}
};

// As Go's decoder calls it in its errors: "null", "bool", "number", ...
std::string_view go_name(RawValue::Kind kind);

struct Member {
    std::string name;                // folded: "model", "keep_alive"; options keep their own case
    RawValue value;                  // the one in force
    std::vector<Range> occurrences;  // every spelling of it: "key": value, in order, without commas
};

struct BodyMembers {
    std::optional<Member> model, name, source, destination, from;
    std::optional<Member> stream, keep_alive, shift;
    std::optional<Member> prompt, messages, input, images,
        suffix;  // kind and emptiness only; text is not kept
    std::optional<Member> think, format, tools, truncate;  // kind only
    std::optional<Member> options;                         // occurrences of every options object
    // Merged members of the options in force, own case; only names that Ollama knows, because it
    // ignores all others.
    std::vector<Member> option_members;
    bool is_object = false;     // false: the body is null
    Range object;               // the top-level object's bytes, braces included
    std::size_t value_end = 0;  // what follows is ignored by the upstream
};

// A member that is null in the end is absent (nullopt). A string member (model, name, source,
// destination, from, prompt, suffix), a flag or options that is of a wrong kind anywhere keeps that
// kind, because one wrong spelling makes the upstream refuse the body; the caller tests `kind`.
// `go_type` is the upstream's type of the body, for error texts. Errors: BadRequest with the very
// sentence that the upstream would answer: "missing request body" is the caller's (an all-blank
// body gives "EOF"), "unexpected EOF", "invalid character 'h' looking for beginning of value",
// "json: cannot unmarshal array into Go value of type api.ChatRequest" (any top level but an object
// or null). One refusal is our own: a member that stands more than 1,024 times, so that memory
// stays bounded.
Result<BodyMembers> find_members(
    std::string_view body, std::string_view go_type = "api.GenerateRequest"
);

// keep_alive as Ollama reads it. Error text equals Ollama's.
struct KeepAliveValue {
    enum class Kind : std::uint8_t { Zero, For, Forever };
    Kind kind = Kind::For;
    double seconds = 0;
};

// BadRequest; a Null value counts as not given and is For 300 s, Ollama's default.
Result<KeepAliveValue> parse_keep_alive(RawValue const& value);

// Integer options as Ollama reads them: fractions are cut. Error text equals Ollama's:
// option "num_ctx" must be of type integer (code BadRequest, although Ollama answers it with 500).
// Beyond 64 bits: the nearest end. Go's result there depends on the processor; the larger charge is
// the safe reading.
Result<std::int64_t> parse_integer_option(std::string_view name, RawValue const& value);

// Edits are applied to the original bytes; nothing else changes.
struct BodyEdit {
    std::vector<std::string> cut_members;  // folded top-level names, of those in BodyMembers
    std::vector<std::string> cut_options;  // names inside every options object
    // Written into a last "options" object, which wins over earlier ones. Values are JSON text.
    std::vector<std::pair<std::string, std::string>> set_options;
};

// The new body as pieces: views into `body` and into `storage`, in order. Together they are one
// valid JSON object; what followed the first value is gone. Moving keeps the views, copying does
// not. A body of null stays as it is.
struct SplicedBody {
    std::vector<std::string_view> pieces;
    std::vector<std::string> storage;
    std::uint64_t size = 0;
};

SplicedBody splice(std::string_view body, BodyMembers const& members, BodyEdit const& edit);

}  // namespace plimsoll::http
