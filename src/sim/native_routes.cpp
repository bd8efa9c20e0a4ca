// /api/generate and /api/chat: decoding, the checks in the server's order, then one answer.
#include "sim/checks.hpp"
#include "sim/native_dialect.hpp"
#include "sim/routes.hpp"

#include <array>

namespace plimsoll::sim {

namespace {

using Kind = Json::Kind;

constexpr std::array<MemberType, 13> kGenerateMembers{{
    {"model", Kind::String, "string"},
    {"prompt", Kind::String, "string"},
    {"suffix", Kind::String, "string"},
    {"system", Kind::String, "string"},
    {"template", Kind::String, "string"},
    {"context", Kind::Array, "[]int"},
    {"stream", Kind::Bool, "bool"},
    {"raw", Kind::Bool, "bool"},
    {"images", Kind::Array, "[]api.ImageData"},
    {"options", Kind::Object, "map[string]interface {}"},
    {"truncate", Kind::Bool, "bool"},
    {"shift", Kind::Bool, "bool"},
    {"logprobs", Kind::Bool, "bool"},
}};
constexpr std::array<MemberType, 8> kChatMembers{{
    {"model", Kind::String, "string"},
    {"messages", Kind::Array, "[]api.Message"},
    {"stream", Kind::Bool, "bool"},
    {"tools", Kind::Array, "api.Tools"},
    {"options", Kind::Object, "map[string]interface {}"},
    {"truncate", Kind::Bool, "bool"},
    {"shift", Kind::Bool, "bool"},
    {"logprobs", Kind::Bool, "bool"},
}};
constexpr BodyShape kGenerate{"api.GenerateRequest", "GenerateRequest", kGenerateMembers, true};
constexpr BodyShape kChat{"api.ChatRequest", "ChatRequest", kChatMembers, true};

// All text of a conversation, for counting and hashing.
std::string all_text(Json const& messages) {
    std::string out;
    for (auto const& message : messages.items) {
        out += text_member(message, "role") + ": " + text_member(message, "content") + "\n";
    }
    return out;
}

bool ends_in_tool_result(Json const& messages) {
    return !messages.items.empty() && text_member(messages.items.back(), "role") == "tool";
}

bool has_images(Json const& holder) {
    auto const* images = holder.find_folded("images");
    return images != nullptr && !images->items.empty();
}

struct Native {
    Inference inference;
    bool is_unload = false;
    bool raw = false;
};

// What both routes share: keep_alive, thinking, options, format, images.
OrRefused<void> read_common(Native& out, World const& world, Json const& body) {
    auto& inference = out.inference;
    auto const& model = *inference.asked.model;
    auto const think = read_think(body);
    if (!think) {
        return std::unexpected(think.error());
    }
    if (*think == Think::On && !model.can("thinking")) {
        return refuse(400, "\"" + inference.asked.text + "\" does not support thinking");
    }
    auto const options = read_options(body, model);
    if (!options) {
        return refuse(500, options.error().message);
    }
    inference.options = *options;
    inference.stream = flag_member(body, "stream", true);
    inference.question.model = model.name;
    inference.question.num_predict = options->num_predict;
    inference.question.thinks = model.can("thinking") && *think != Think::Off;
    inference.question.seed = world.config.seed;
    inference.question.format = body.find_folded("format");
    inference.after_load = check_format(inference.question.format);
    if (inference.question.format != nullptr && inference.question.format->text.empty() &&
        inference.question.format->is(Kind::String)) {
        inference.question.format = nullptr;
    }
    return {};
}

OrRefused<Native> read_generate(World const& world, Json const& body) {
    Native out;
    auto& inference = out.inference;
    auto const keep_alive = read_keep_alive(body);
    if (!keep_alive) {
        return refuse(400, keep_alive.error().message);
    }
    auto const images = check_images(body);
    if (!images) {
        return std::unexpected(images.error());
    }
    auto asked = find_model(world, text_member(body, "model"), NameStyle::Generate);
    if (!asked) {
        return std::unexpected(asked.error());
    }
    inference.asked = std::move(*asked);
    inference.keep_alive = *keep_alive;
    inference.question.prompt = text_member(body, "prompt");
    inference.is_preload = inference.question.prompt.empty();
    out.raw = flag_member(body, "raw", false);
    out.is_unload = inference.is_preload && *keep_alive == Duration::zero();
    if (out.is_unload) {
        return out;
    }
    auto const& model = *inference.asked.model;
    if (out.raw &&
        (!text_member(body, "template").empty() || !text_member(body, "system").empty() ||
         body.find_folded("context") != nullptr)) {
        return refuse(400, "raw mode does not support template, system, or context");
    }
    if (auto const wrong = check_logprobs(body); wrong.status != 0) {
        return std::unexpected(wrong);
    }
    if (!model.can("completion")) {
        return refuse(400, "\"" + inference.asked.text + "\" does not support generate");
    }
    if (!text_member(body, "suffix").empty() && !model.can("insert")) {
        return refuse(400, full_name(model) + " does not support insert");
    }
    if (auto const common = read_common(out, world, body); !common) {
        return std::unexpected(common.error());
    }
    if (has_images(body) && !model.can("vision")) {
        inference.after_load = {400, std::string(kNoImages)};
    }
    return out;
}

OrRefused<Native> read_chat(World const& world, Json const& body) {
    Native out;
    auto& inference = out.inference;
    auto const keep_alive = read_keep_alive(body);
    if (!keep_alive) {
        return refuse(400, keep_alive.error().message);
    }
    static Json const kNone{};
    auto const* messages = body.find_folded("messages");
    messages = messages != nullptr ? messages : &kNone;
    bool images = false;
    for (auto const& message : messages->items) {
        images = images || has_images(message);
        if (auto const checked = check_images(message); !checked) {
            return std::unexpected(checked.error());
        }
    }
    auto asked = find_model(world, text_member(body, "model"), NameStyle::Chat);
    if (!asked) {
        return std::unexpected(asked.error());
    }
    inference.asked = std::move(*asked);
    inference.keep_alive = *keep_alive;
    inference.is_preload = messages->items.empty();
    out.is_unload = inference.is_preload && *keep_alive == Duration::zero();
    if (out.is_unload) {
        return out;
    }
    auto const& model = *inference.asked.model;
    if (auto const wrong = check_logprobs(body); wrong.status != 0) {
        return std::unexpected(wrong);
    }
    if (!model.can("completion")) {
        return refuse(400, "\"" + inference.asked.text + "\" does not support chat");
    }
    auto const* tools = body.find_folded("tools");
    if (tools != nullptr && !tools->items.empty() && !model.can("tools")) {
        return refuse(400, full_name(model) + " does not support tools");
    }
    inference.question.prompt = all_text(*messages);
    inference.question.tools = ends_in_tool_result(*messages) ? nullptr : tools;
    if (auto const common = read_common(out, world, body); !common) {
        return std::unexpected(common.error());
    }
    if (images && !model.can("vision")) {
        inference.after_load = {400, std::string(kNoImages)};
    }
    return out;
}

net::Task<void> run(Session& session, Native native, Dialect& dialect) {
    if (native.is_unload) {
        session.world().books.request(native.inference.asked.model->name);
        session.world().expire(native.inference.asked.model, session.path());
        co_await session.reply(200, dialect.whole_type(), dialect.preloaded({}, "unload"));
        co_return;
    }
    co_await infer(session, std::move(native.inference), dialect);
}

}  // namespace

net::Task<void> serve_generate(Session& session, std::string_view body) {
    auto const json = decode_body(body, kGenerate);
    if (!json) {
        co_await session.error(json.error().status, json.error().text);
        co_return;
    }
    auto native = read_generate(session.world(), *json);
    if (!native) {
        co_await session.error(native.error().status, native.error().text);
        co_return;
    }
    GenerateDialect dialect(session.world(), native->inference.asked, native->raw);
    co_await run(session, std::move(*native), dialect);
}

net::Task<void> serve_chat(Session& session, std::string_view body) {
    auto const json = decode_body(body, kChat);
    if (!json) {
        co_await session.error(json.error().status, json.error().text);
        co_return;
    }
    auto native = read_chat(session.world(), *json);
    if (!native) {
        co_await session.error(native.error().status, native.error().text);
        co_return;
    }
    ChatDialect dialect(session.world(), native->inference.asked);
    co_await run(session, std::move(*native), dialect);
}

}  // namespace plimsoll::sim
