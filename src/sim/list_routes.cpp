// What can be read without touching a runner: version, status, tags, ps and the OpenAI model lists.
#include "sim/lists.hpp"
#include "sim/openai_common.hpp"
#include "sim/routes.hpp"

#include <plimsoll/base/model_name.hpp>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace plimsoll::sim {

namespace {

constexpr std::string_view kVersion = "0.32.7-sim";

boost::json::object tag_of(Model const& model) {
    boost::json::object out{{"name", model.name}, {"model", model.name}};
    if (model.remote) {
        out["remote_model"] = model.remote->model;
        out["remote_host"] = model.remote->host;
    }
    out["modified_at"] = model.modified_at;
    out["size"] = model.size().count();
    out["digest"] = model.digest;
    out["details"] = details_of(model, true);
    boost::json::array capabilities(model.capabilities.begin(), model.capabilities.end());
    out["capabilities"] = std::move(capabilities);
    return out;
}

// Seconds of "2026-08-01T09:00:00.123Z".
std::int64_t unix_of(std::string const& text) {
    std::tm tm{};
    return strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &tm) == nullptr
               ? 0
               : static_cast<std::int64_t>(timegm(&tm));
}

boost::json::object openai_model(Model const& model) {
    auto const name = ModelName::parse(model.name);
    return {
        {"id", model.name},
        {"object", "model"},
        {"created", unix_of(model.modified_at)},
        {"owned_by", name ? name->space() : "library"},
    };
}

Row ghost_row(ModelPtr const& model, World const& world) {
    RunnerSettings const settings = settle({}, *model, world.scheduler.config().machine);
    auto const bytes = footprint(*model, settings, world.config.kv_type, 1);
    return {model, bytes, settings.num_ctx, world.now() + std::chrono::minutes(5)};
}

// What the faults of ps make of the list.
void distort(World& world, std::vector<Row>& rows) {
    constexpr std::string_view kPath = "/api/ps";
    for (auto it = rows.begin(); it != rows.end();) {
        it = world.faults.omits_row(it->model->key) ? rows.erase(it) : it + 1;
    }
    for (auto& row : rows) {
        if (auto const wrong = world.faults.strike(FaultKind::PsWrongSize, kPath, row.model->key)) {
            row.bytes.shown = row.bytes.shown.scaled(wrong->factor);
            row.bytes.shown_vram = row.bytes.shown_vram.scaled(wrong->factor);
        }
    }
    for (auto const& model : world.store.list()) {
        bool const is_listed =
            std::ranges::any_of(rows, [&](Row const& row) { return row.model->key == model->key; });
        if (is_listed || !model->weights) {
            continue;
        }
        if (world.faults.strike(FaultKind::PsGhost, kPath, model->key)) {
            rows.push_back(ghost_row(model, world));
            break;
        }
    }
}

}  // namespace

boost::json::object details_of(Model const& model, bool with_lengths) {
    auto const family = model.family();
    boost::json::object out{
        {"parent_model", model.parent_model},
        {"format", model.weights ? "gguf" : ""},
        {"family", family},
        {"families", boost::json::array{family}},
        {"parameter_size", model.parameter_size},
        {"quantization_level", model.quantization_level},
    };
    if (with_lengths) {
        out["context_length"] =
            model.weights ? model.weights->trained_ctx : model.remote->context_length;
        out["embedding_length"] =
            model.weights ? model.weights->embedding_length : model.remote->embedding_length;
    }
    return out;
}

boost::json::object ps_row(World const& world, Row const& row) {
    auto details = details_of(*row.model, false);
    details["parent_model"] = "";
    return {
        {"name", row.model->name},
        {"model", row.model->name},
        {"size", row.bytes.shown.count()},
        {"digest", row.model->digest},
        {"details", std::move(details)},
        {"expires_at",
         row.expires ? world.clock.rfc3339(*row.expires) : world.clock.rfc3339_forever(world.now())
        },
        {"size_vram", row.bytes.shown_vram.count()},
        {"context_length", row.num_ctx},
    };
}

net::Task<void> serve_root(Session& session, std::string_view) {
    co_await session.reply(200, "text/plain; charset=utf-8", "Ollama is running");
}

net::Task<void> serve_version(Session& session, std::string_view) {
    co_await session.json(200, boost::json::object{{"version", kVersion}});
}

net::Task<void> serve_status(Session& session, std::string_view) {
    co_await session.json(
        200, boost::json::object{{"cloud", {{"disabled", false}, {"source", "none"}}}}
    );
}

net::Task<void> serve_tags(Session& session, std::string_view) {
    boost::json::array models;
    for (auto const& model : session.world().store.list()) {
        models.push_back(tag_of(*model));
    }
    co_await session.json(200, boost::json::object{{"models", std::move(models)}});
}

net::Task<void> serve_ps(Session& session, std::string_view) {
    auto& world = session.world();
    // Killing a process holds the lock of the list: whoever asks meanwhile sees it without the row.
    if (auto const ends = world.scheduler.kill_ends()) {
        auto const slept = co_await net::sleep_until(world.loop, *ends, &session.canceller());
        if (!slept) {
            co_return;
        }
        world.scheduler.advance(world.now());
        world.changed();
    }
    auto rows = world.scheduler.rows();
    if (auto const lag = world.faults.strike(FaultKind::PsLag, "/api/ps", {})) {
        rows = world.rows_at(world.now() - lag->lag);
    }
    if (!world.faults.is_empty()) {
        distort(world, rows);
    }
    boost::json::array models;
    for (auto const& row : rows) {
        models.push_back(ps_row(world, row));
    }
    co_await session.json(200, boost::json::object{{"models", std::move(models)}});
}

net::Task<void> serve_openai_models(Session& session, std::string_view) {
    boost::json::value data = nullptr;
    auto const models = session.world().store.list();
    if (!models.empty()) {
        auto& list = data.emplace_array();
        for (auto const& model : models) {
            list.push_back(openai_model(*model));
        }
    }
    boost::json::object const out{{"object", "list"}, {"data", std::move(data)}};
    co_await session.reply(200, "application/json", boost::json::serialize(out) + "\n");
}

net::Task<void> serve_openai_model(Session& session, std::string_view) {
    constexpr std::string_view kPrefix = "/v1/models/";
    auto const asked =
        find_model(session.world(), session.path().substr(kPrefix.size()), NameStyle::Show);
    if (!asked) {
        co_await openai_error(session, asked.error());
        co_return;
    }
    auto out = openai_model(*asked->model);
    out["id"] = asked->text;
    co_await session.reply(200, "application/json", boost::json::serialize(out) + "\n");
}

net::Task<void> serve_recommendations(Session& session, std::string_view) {
    boost::json::array models;
    for (auto const& model : session.world().store.list()) {
        if (model->weights && model->can("completion") && models.size() < 5) {
            models.push_back(
                boost::json::object{{"model", model->name}, {"vram_bytes", model->size().count()}}
            );
        }
    }
    co_await session.json(200, boost::json::object{{"recommendations", std::move(models)}});
}

// Accounts live at ollama.com, and there is no such place here.
net::Task<void> serve_account(Session& session, std::string_view) {
    co_await session.error(401, "unauthorized");
}

}  // namespace plimsoll::sim
