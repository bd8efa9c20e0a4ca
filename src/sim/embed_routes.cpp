// The three embedding routes. A completion model is loaded first and then refuses, as the real
// runner does.
#include "sim/checks.hpp"
#include "sim/inference.hpp"
#include "sim/openai_common.hpp"
#include "sim/routes.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <array>

namespace plimsoll::sim {

namespace {

using Kind = Json::Kind;

constexpr std::array<MemberType, 3> kEmbedMembers{{
    {"model", Kind::String, "string"},
    {"options", Kind::Object, "map[string]interface {}"},
    {"truncate", Kind::Bool, "bool"},
}};
constexpr std::array<MemberType, 3> kEmbeddingsMembers{{
    {"model", Kind::String, "string"},
    {"prompt", Kind::String, "string"},
    {"options", Kind::Object, "map[string]interface {}"},
}};
constexpr std::array<MemberType, 1> kOpenAiMembers{{{"model", Kind::String, "string"}}};
constexpr BodyShape kEmbed{"api.EmbedRequest", "EmbedRequest", kEmbedMembers, true};
constexpr BodyShape kEmbeddings{
    "api.EmbeddingRequest", "EmbeddingRequest", kEmbeddingsMembers, true
};
constexpr BodyShape kOpenAi{"openai.EmbedRequest", "EmbedRequest", kOpenAiMembers, false};

struct Embedding {
    Asked asked;
    RunnerOptions options;
    std::optional<Duration> keep_alive;
    std::vector<std::string> inputs;
};

struct Vectors {
    std::vector<std::vector<double>> rows;
    std::size_t tokens = 0;
    Duration load{}, total{};
};

OrRefused<std::vector<std::string>> read_inputs(Json const* input) {
    std::vector<std::string> out;
    if (input == nullptr) {
        return out;
    }
    if (input->is(Kind::String)) {
        if (!input->text.empty()) {
            out.push_back(input->text);
        }
        return out;
    }
    for (auto const& item : input->items) {
        if (!item.is(Kind::String)) {
            return refuse(400, "invalid input type");
        }
        out.push_back(item.text);
    }
    if (!input->is(Kind::Array)) {
        return refuse(400, "invalid input type");
    }
    return out;
}

OrRefused<Embedding> read_embedding(
    World const& world, Json const& body, NameStyle style, Json const* input
) {
    auto const keep_alive = read_keep_alive(body);
    if (!keep_alive) {
        return refuse(400, keep_alive.error().message);
    }
    auto inputs = read_inputs(input);
    if (!inputs) {
        return std::unexpected(inputs.error());
    }
    auto asked = find_model(world, text_member(body, "model"), style);
    if (!asked) {
        return std::unexpected(asked.error());
    }
    auto const options = read_options(body, *asked->model);
    if (!options) {
        return refuse(500, options.error().message);
    }
    return Embedding{std::move(*asked), *options, *keep_alive, std::move(*inputs)};
}

// Status 0 in the error: the client has gone.
net::Task<OrRefused<Vectors>> embed(
    Session& session, Embedding request, unsigned unsupported_status
) {
    auto& world = session.world();
    auto const arrived = world.now();
    auto const& model = request.asked.model;
    world.books.request(model->name);
    auto lease = co_await get_runner(session, model, request.options, request.keep_alive);
    if (!lease) {
        co_return std::unexpected(lease.error());
    }
    Vectors out;
    out.load = world.now() - arrived;
    if (request.inputs.empty()) {
        co_return out;
    }
    if (!model->can("embedding")) {
        co_return refuse(unsupported_status, std::string(kNoEmbeddings));
    }
    bool const has_slot = co_await world.slot(*lease, session.canceller());
    if (!has_slot) {
        co_return refuse(0, {});
    }
    for (auto const& input : request.inputs) {
        out.tokens += count_tokens(input) + 2;
        out.rows.push_back(embedding(input, model->weights->embedding_length));
    }
    auto const work =
        world.scaled(static_cast<double>(out.tokens) / (20 * world.config.tokens_per_second));
    auto const slept =
        co_await net::sleep_until(world.loop, world.now() + work, &session.canceller());
    if (!slept) {
        co_return refuse(0, {});
    }
    if (auto const crash = world.faults.strike(FaultKind::Crash, session.path(), model->key)) {
        world.crash(model);
        co_return refuse(400, "do embedding request: Post \"http://127.0.0.1/embedding\": EOF");
    }
    out.total = world.now() - arrived;
    co_return out;
}

boost::json::array to_json(std::vector<double> const& row) {
    boost::json::array out;
    for (auto const value : row) {
        out.push_back(value);
    }
    return out;
}

}  // namespace

net::Task<void> serve_embed(Session& session, std::string_view body) {
    auto const json = decode_body(body, kEmbed);
    if (!json) {
        co_await session.error(json.error().status, json.error().text);
        co_return;
    }
    auto request =
        read_embedding(session.world(), *json, NameStyle::Embed, json->find_folded("input"));
    if (!request) {
        co_await session.error(request.error().status, request.error().text);
        co_return;
    }
    auto const asked = request->asked.text;
    auto const vectors = co_await embed(session, std::move(*request), 501);
    if (!vectors) {
        co_await session.error(vectors.error().status, vectors.error().text);
        co_return;
    }
    boost::json::array rows;
    for (auto const& row : vectors->rows) {
        rows.push_back(to_json(row));
    }
    boost::json::object out{{"model", asked}, {"embeddings", std::move(rows)}};
    if (!vectors->rows.empty()) {
        out["total_duration"] = vectors->total.count();
        out["load_duration"] = std::max<std::int64_t>(1, vectors->load.count());
        out["prompt_eval_count"] = vectors->tokens;
    }
    co_await session.json(200, out);
}

net::Task<void> serve_embeddings(Session& session, std::string_view body) {
    auto const json = decode_body(body, kEmbeddings);
    if (!json) {
        co_await session.error(json.error().status, json.error().text);
        co_return;
    }
    auto request =
        read_embedding(session.world(), *json, NameStyle::Embeddings, json->find_folded("prompt"));
    if (!request) {
        co_await session.error(request.error().status, request.error().text);
        co_return;
    }
    auto const vectors = co_await embed(session, std::move(*request), 500);
    if (!vectors) {
        co_await session.error(vectors.error().status, vectors.error().text);
        co_return;
    }
    boost::json::array row;
    if (!vectors->rows.empty()) {
        row = to_json(vectors->rows.front());
    }
    co_await session.json(200, boost::json::object{{"embedding", std::move(row)}});
}

net::Task<void> serve_openai_embeddings(Session& session, std::string_view body) {
    auto const json = decode_body(body, kOpenAi);
    if (!json) {
        co_await openai_decoding_error(session, json.error());
        co_return;
    }
    // No keep_alive and no options on this path, whatever the body says.
    Json plain;
    plain.kind = Kind::Object;
    for (auto const name : {"model", "input"}) {
        if (auto const* member = json->find_folded(name); member != nullptr) {
            plain.members.push_back({name, *member});
        }
    }
    if (plain.find("input") == nullptr) {
        co_await openai_error(session, {400, "invalid input"});
        co_return;
    }
    auto request = read_embedding(session.world(), plain, NameStyle::Embed, plain.find("input"));
    if (!request) {
        co_await openai_error(session, request.error());
        co_return;
    }
    auto const asked = request->asked.text;
    auto const vectors = co_await embed(session, std::move(*request), 501);
    if (!vectors) {
        co_await openai_error(session, vectors.error());
        co_return;
    }
    boost::json::array data;
    for (auto const& row : vectors->rows) {
        auto const index = data.size();
        data.push_back(boost::json::object{
            {"object", "embedding"}, {"embedding", to_json(row)}, {"index", index}
        });
    }
    boost::json::object const out{
        {"object", "list"},
        {"data", std::move(data)},
        {"model", asked},
        {"usage", {{"prompt_tokens", vectors->tokens}, {"total_tokens", vectors->tokens}}},
    };
    co_await session.reply(200, "application/json", boost::json::serialize(out) + "\n");
}

}  // namespace plimsoll::sim
