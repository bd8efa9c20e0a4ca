// What changes the stored models. None of it touches a runner: a deleted model that is loaded stays
// loaded.
#include "sim/digest.hpp"
#include "sim/request.hpp"
#include "sim/routes.hpp"

#include <plimsoll/base/model_name.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <array>

namespace plimsoll::sim {

namespace {

using Kind = Json::Kind;

constexpr std::array<MemberType, 3> kNamed{{
    {"model", Kind::String, "string"},
    {"name", Kind::String, "string"},
    {"stream", Kind::Bool, "bool"},
}};
constexpr std::array<MemberType, 2> kCopied{
    {{"source", Kind::String, "string"}, {"destination", Kind::String, "string"}}
};
constexpr BodyShape kPull{"api.PullRequest", "PullRequest", kNamed, true};
constexpr BodyShape kPush{"api.PushRequest", "PushRequest", kNamed, true};
constexpr BodyShape kCreate{"api.CreateRequest", "CreateRequest", kNamed, true};
constexpr BodyShape kDelete{"api.DeleteRequest", "DeleteRequest", kNamed, true};
constexpr BodyShape kCopy{"api.CopyRequest", "CopyRequest", kCopied, true};

std::string name_of(Json const& body) {
    auto name = text_member(body, "model");
    return name.empty() ? text_member(body, "name") : name;
}

std::string line(std::string_view status) {
    return boost::json::serialize(boost::json::object{{"status", status}}) + "\n";
}

// Progress lines, each flushed alone; not streamed, only the last object is the answer.
net::Task<void> say_progress(
    Session& session, Json const& body, std::vector<std::string> lines, Duration each
) {
    if (!flag_member(body, "stream", true)) {
        auto last = lines.back();
        last.pop_back();
        bool const is_error = last.starts_with("{\"error\"");
        co_await session.reply(
            is_error ? 500 : 200, "application/json; charset=utf-8", std::move(last)
        );
        co_return;
    }
    bool going = co_await session.begin_stream("application/x-ndjson");
    for (std::size_t i = 0; going && i < lines.size(); ++i) {
        going = co_await session.write(lines[i]);
        if (going && each > Duration::zero()) {
            auto& world = session.world();
            auto const slept =
                co_await net::sleep_until(world.loop, world.now() + each, &session.canceller());
            going = slept.has_value();
        }
    }
    if (going) {
        co_await session.end_stream();
    }
}

std::string error_line(std::string_view text) {
    return boost::json::serialize(boost::json::object{{"error", text}}) + "\n";
}

// There is no network here: what is stored is up to date, all else cannot be reached.
std::vector<std::string> pull_lines(Model const* model, ModelName const& name) {
    std::vector<std::string> out{line("pulling manifest")};
    if (model == nullptr || !model->weights) {
        out.push_back(error_line(fmt::format(
            "pull model manifest: Get \"https://{}/v2/{}/{}/manifests/{}\": dial tcp: lookup {}: "
            "no such host",
            name.host(),
            name.space(),
            name.model(),
            name.tag(),
            name.host()
        )));
        return out;
    }
    auto const digest = "sha256:" + model->weights->blob;
    auto const total = model->weights->file.count();
    for (unsigned part = 0; part <= 4; ++part) {
        out.push_back(
            boost::json::serialize(boost::json::object{
                {"status", "pulling " + model->weights->blob.substr(0, 12)},
                {"digest", digest},
                {"total", total},
                {"completed", total / 4 * part + (part == 4 ? total % 4 : 0)},
            }) +
            "\n"
        );
    }
    for (auto const* status : {"verifying sha256 digest", "writing manifest", "success"}) {
        out.push_back(line(status));
    }
    return out;
}

// A model FROM another, with members of the request put over it.
std::shared_ptr<Model> derive(Model const& base, Json const& body, std::string_view now) {
    auto out = std::make_shared<Model>(base);
    out->parent_model = base.name;
    out->modified_at = now;
    if (auto const* parameters = body.find_folded("parameters"); parameters != nullptr) {
        for (auto const& [name, value] : parameters->members) {
            std::erase_if(out->parameters, [&](auto const& old) { return old.first == name; });
            if (!value.is(Kind::Array)) {
                out->parameters.emplace_back(name, to_boost(value));
            }
            for (auto const& item : value.items) {
                out->parameters.emplace_back(name, to_boost(item));
            }
        }
    }
    if (auto text = text_member(body, "template"); !text.empty()) {
        out->prompt_template = std::move(text);
        out->template_blob = sha256_hex(out->prompt_template);
    }
    if (auto text = text_member(body, "system"); !text.empty()) {
        out->system = std::move(text);
    }
    return out;
}

std::string parameters_digest(Model const& model) {
    std::string text;
    for (auto const& [name, value] : model.parameters) {
        text += name + "=" + boost::json::serialize(value) + "\n";
    }
    return sha256_hex(text + model.system);
}

// Under the name of `asked`, in its spelling.
void store_as(World& world, std::shared_ptr<Model> model, ModelName const& name) {
    model->name = name.short_name();
    model->key = name.key();
    world.store.put(std::move(model));
}

OrRefused<std::pair<Json, ModelName>> read_named(std::string_view body, BodyShape const& shape) {
    auto json = decode_body(body, shape);
    if (!json) {
        return std::unexpected(json.error());
    }
    auto name = ModelName::parse(name_of(*json));
    if (!name) {
        return refuse(400, name_of(*json).empty() ? "invalid model name" : name.error().message);
    }
    return std::pair(std::move(*json), std::move(*name));
}

std::string_view blob_digest(Session& session) {
    constexpr std::string_view kPrefix = "/api/blobs/";
    std::string_view digest = session.path();
    digest.remove_prefix(kPrefix.size());
    return digest;
}

bool is_digest(std::string_view text) {
    return (text.starts_with("sha256:") || text.starts_with("sha256-")) && text.size() == 71 &&
           text.find_first_not_of("0123456789abcdef", 7) == std::string_view::npos;
}

}  // namespace

net::Task<void> serve_pull(Session& session, std::string_view body) {
    auto const read = read_named(body, kPull);
    if (!read) {
        co_await session.error(read.error().status, read.error().text);
        co_return;
    }
    auto& world = session.world();
    auto const model = world.store.find(read->second.key());
    co_await say_progress(
        session, read->first, pull_lines(model.get(), read->second), world.scaled(0.05)
    );
}

net::Task<void> serve_push(Session& session, std::string_view body) {
    auto const read = read_named(body, kPush);
    if (!read) {
        co_await session.error(read.error().status, read.error().text);
        co_return;
    }
    auto const& name = read->second;
    std::vector<std::string> lines{line("retrieving manifest")};
    if (session.world().store.find(name.key()) == nullptr) {
        lines.push_back(error_line("couldn't retrieve manifest for " + name.short_name()));
    } else {
        lines.push_back(error_line("lookup " + name.host() + ": no such host"));
    }
    co_await say_progress(session, read->first, std::move(lines), Duration::zero());
}

net::Task<void> serve_create(Session& session, std::string_view body) {
    auto const read = read_named(body, kCreate);
    if (!read) {
        co_await session.error(read.error().status, read.error().text);
        co_return;
    }
    auto& world = session.world();
    auto const& [json, name] = *read;
    auto const from = text_member(json, "from");
    if (from.empty()) {
        co_await session.error(400, "neither 'from' or 'files' was specified");
        co_return;
    }
    auto const base_name = ModelName::parse(from);
    auto const base = base_name ? world.store.find(base_name->key()) : nullptr;
    if (!base || !base->weights) {
        auto const text = fmt::format(
            "pull model manifest: Get \"https://registry.ollama.ai\": no such host ({})", from
        );
        co_await say_progress(
            session, json, {line("pulling manifest"), error_line(text)}, Duration::zero()
        );
        co_return;
    }
    auto model = derive(*base, json, world.timestamp());
    auto const digest = parameters_digest(*model);
    model->digest = sha256_hex(base->digest + digest + model->template_blob);
    std::vector<std::string> lines{line("using existing layer sha256:" + base->weights->blob)};
    if (!model->template_blob.empty()) {
        bool const is_old = model->template_blob == base->template_blob;
        lines.push_back(line(
            (is_old ? "using existing layer sha256:" : "creating new layer sha256:") +
            model->template_blob
        ));
    }
    if (model->parameters != base->parameters || model->system != base->system) {
        lines.push_back(line("creating new layer sha256:" + digest));
    }
    lines.push_back(line("writing manifest"));
    lines.push_back(line("success"));
    store_as(world, std::move(model), name);
    co_await say_progress(session, json, std::move(lines), Duration::zero());
}

net::Task<void> serve_copy(Session& session, std::string_view body) {
    auto const json = decode_body(body, kCopy);
    if (!json) {
        co_await session.error(json.error().status, json.error().text);
        co_return;
    }
    auto const source = ModelName::parse(text_member(*json, "source"));
    auto const destination = ModelName::parse(text_member(*json, "destination"));
    if (!source || !destination) {
        auto const which = text_member(*json, source ? "destination" : "source");
        co_await session.error(
            400, fmt::format("{} \"{}\" is invalid", source ? "destination" : "source", which)
        );
        co_return;
    }
    auto& world = session.world();
    auto const model = world.store.find(source->key());
    if (!model) {
        co_await session.error(
            404, fmt::format("model '{}' not found", text_member(*json, "source"))
        );
        co_return;
    }
    auto copied = std::make_shared<Model>(*model);
    copied->modified_at = world.timestamp();
    store_as(world, std::move(copied), *destination);
    co_await session.reply(200, "", "");
}

net::Task<void> serve_delete(Session& session, std::string_view body) {
    auto const read = read_named(body, kDelete);
    if (!read) {
        auto const text =
            read.error().text == "invalid model name" ? "name \"\" is invalid" : read.error().text;
        co_await session.error(read.error().status, text);
        co_return;
    }
    if (!session.world().store.remove(read->second.key())) {
        co_await session.error(404, fmt::format("model '{}' not found", name_of(read->first)));
        co_return;
    }
    co_await session.reply(200, "", "");
}

net::Task<void> serve_blob_head(Session& session, std::string_view) {
    auto const digest = blob_digest(session);
    if (!is_digest(digest)) {
        co_await session.error(400, "invalid digest format");
        co_return;
    }
    if (session.world().store.has_blob(digest.substr(7))) {
        co_await session.reply(200, "", "");
        co_return;
    }
    co_await session.error(404, fmt::format("blob \"{}\" not found", digest));
}

net::Task<void> serve_blob_upload(Session& session, std::string_view) {
    auto const digest = std::string(blob_digest(session));
    if (!is_digest(digest)) {
        co_await session.error(400, "invalid digest format");
        co_return;
    }
    // An upload of what is there is answered before its body has been read.
    if (session.world().store.has_blob(digest.substr(7))) {
        session.exchange().close_after();
        co_await session.reply(200, "", "");
        co_return;
    }
    Sha256 hash;
    while (true) {
        auto const piece = co_await session.exchange().read_body_some();
        if (!piece) {
            co_return;
        }
        if (piece->empty()) {
            break;
        }
        hash.update(*piece);
    }
    auto const got = hash.hex();
    if (got != digest.substr(7)) {
        co_await session.error(
            400, fmt::format("digest mismatch, expected \"{}\", got \"sha256:{}\"", digest, got)
        );
        co_return;
    }
    session.world().store.add_blob(got);
    co_await session.reply(201, "", "");
}

}  // namespace plimsoll::sim
