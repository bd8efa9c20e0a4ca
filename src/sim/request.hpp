#pragma once
// A request body as the server decodes it: Go's struct names, types and sentences, then the name of
// the model. Pure, but for the look into the store.

#include "sim/json.hpp"
#include "sim/world.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace plimsoll::sim {

// What a member must be; the type's name is Go's, as the error shows it.
struct MemberType {
    std::string_view name;
    Json::Kind kind;
    std::string_view go_type;
};

struct BodyShape {
    std::string_view go_type;      // "api.ChatRequest", for a body that is no object
    std::string_view struct_name;  // "ChatRequest", for a member of the wrong type
    std::span<MemberType const> members;
    bool blank_is_missing = true;  // native: "missing request body"; others: "EOF"
};

OrRefused<Json> decode_body(std::string_view bytes, BodyShape const& shape);

std::string text_member(Json const& body, std::string_view name);
bool flag_member(Json const& body, std::string_view name, bool otherwise);

// How a route words its errors about models.
enum class NameStyle : std::uint8_t { Generate, Chat, Embed, Embeddings, Show };

struct Asked {
    std::string text;  // as the client wrote it
    ModelPtr model;
};

OrRefused<Asked> find_model(World const& world, std::string asked, NameStyle style);

// "registry.ollama.ai/library/smollm2:135m"
std::string full_name(Model const& model);

}  // namespace plimsoll::sim
