#include "sim/catalogue.hpp"

#include "sim/catalogue_check.hpp"
#include "sim/json.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

namespace plimsoll::sim {

namespace {

using WeightsById = std::map<std::string, std::shared_ptr<Weights const>, std::less<>>;

MemoryTable read_memory(Place const& at) {
    at.only(
        {"device_bytes",
         "kv_per_token",
         "kv_window_per_token",
         "window",
         "fixed_per_slot",
         "compute_per_batch_token",
         "compute_fixed",
         "quantized_per_batch_token",
         "quantized_per_token",
         "encoder",
         "overhead_bytes"}
    );
    MemoryTable out;
    out.device = at.bytes("device_bytes");
    out.kv_per_token = at.count("kv_per_token", 0);
    out.kv_window_per_token = at.count("kv_window_per_token", 0);
    out.window = static_cast<std::uint32_t>(at.count("window", 0));
    out.fixed_per_slot = at.count("fixed_per_slot", 0);
    out.compute_per_batch_token = at.count("compute_per_batch_token", 200'000);
    out.compute_fixed = at.count("compute_fixed", 0);
    out.quantized_per_batch_token = at.count("quantized_per_batch_token", 0);
    out.quantized_per_token = at.count("quantized_per_token", 0);
    out.encoder = at.flag("encoder");
    out.overhead = at.bytes("overhead_bytes", out.overhead);
    if (out.kv_window_per_token != 0 && out.window == 0) {
        at.wrong(
            "kv_window_per_token",
            "needs \"window\", the number of tokens that the layers look back"
        );
    }
    return out;
}

Projector read_projector(Place const& at) {
    at.only({"blob", "file_bytes", "device_bytes", "compute_bytes", "info"});
    Projector out;
    out.blob = at.hex("blob");
    out.file = at.bytes("file_bytes");
    out.device = at.bytes("device_bytes");
    out.compute = at.bytes("compute_bytes", Bytes(0));
    if (auto const info = at.member("info", Json::Kind::Object, false)) {
        out.info = to_boost(*info->json).as_object();
    }
    return out;
}

// "0-3,7" to 0 1 2 3 7.
std::vector<std::uint64_t> expand_layers(Place const& at, std::string const& text) {
    std::vector<std::uint64_t> out;
    for (auto const part : split(text, ',')) {
        auto const dash = part.find('-');
        auto const first = parse_u64(part.substr(0, dash));
        auto const last = dash == std::string_view::npos ? first : parse_u64(part.substr(dash + 1));
        if (!first || !last || *last < *first || *last > 4096) {
            at.wrong("layers", "is \"" + text + "\"; write layers as \"0-3,7\"");
            return {};
        }
        for (auto i = *first; i <= *last; ++i) {
            out.push_back(i);
        }
    }
    return out;
}

// Tensors that are equal in every block are written once, as "blk.*.attn_q.weight" with their
// layers.
boost::json::array read_tensors(Place const& list) {
    boost::json::array out;
    std::map<std::uint64_t, boost::json::array> blocks;
    for (std::size_t i = 0; i < list.json->items.size(); ++i) {
        auto const at = list.item(i);
        at.only({"name", "layers", "type", "shape"});
        auto const name = at.text("name");
        auto const shape = at.member("shape", Json::Kind::Array, true);
        boost::json::object tensor{{"name", name}, {"type", at.text("type")}};
        tensor["shape"] = shape ? to_boost(*shape->json) : boost::json::value(boost::json::array());
        auto const star = name.find("blk.*.");
        if (star != 0) {
            out.push_back(std::move(tensor));
            continue;
        }
        for (auto const layer : expand_layers(at, at.text("layers"))) {
            tensor["name"] = "blk." + std::to_string(layer) + name.substr(5);
            blocks[layer].push_back(tensor);
        }
    }
    for (auto const& [layer, tensors] : blocks) {
        out.insert(out.end(), tensors.begin(), tensors.end());
    }
    return out;
}

// A catalogue may leave the shape out and give bytes only; then a plain llama of that many layers
// and that much cache is made up, so that every predictor has something to read.
boost::json::object made_up_shape(Weights const& weights, std::uint64_t context) {
    constexpr std::uint64_t kHeads = 32, kKvHeads = 8;
    auto const layers = std::max<std::uint64_t>(weights.layers, 1);
    auto const per_head =
        std::max<std::uint64_t>(1, weights.memory.kv_per_token / (4 * kKvHeads * layers));
    return {
        {"general.architecture", "llama"},
        {"general.basename", weights.id},
        {"general.file_type", 15},
        {"general.type", "model"},
        {"llama.attention.head_count", kHeads},
        {"llama.attention.head_count_kv", kKvHeads},
        {"llama.attention.key_length", per_head},
        {"llama.attention.value_length", per_head},
        {"llama.block_count", layers},
        {"llama.context_length", context},
        {"llama.embedding_length", kHeads * per_head},
        {"llama.feed_forward_length", 3 * kHeads * per_head},
        {"llama.vocab_size", 32000},
    };
}

std::uint64_t number_in(
    boost::json::object const& info, std::string const& name, std::uint64_t otherwise
) {
    auto const* value = info.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>() : otherwise;
}

// Heads may be a number, or an array that only verbose shows.
std::uint32_t smallest_kv_heads(Weights const& weights, std::uint64_t heads) {
    auto const name = weights.architecture + ".attention.head_count_kv";
    if (auto const* list = weights.arrays.if_contains(name); list != nullptr && list->is_array()) {
        std::uint64_t least = heads;
        for (auto const& value : list->get_array()) {
            least = std::min(least, std::max<std::uint64_t>(1, value.to_number<std::uint64_t>()));
        }
        return static_cast<std::uint32_t>(least);
    }
    return static_cast<std::uint32_t>(
        std::max<std::uint64_t>(1, number_in(weights.model_info, name, heads))
    );
}

void read_shape(Place const& at, Weights& out) {
    if (auto const info = at.member("model_info", Json::Kind::Object, false)) {
        out.model_info = to_boost(*info->json).as_object();
    } else {
        out.model_info = made_up_shape(out, at.count("context_length", 131072));
    }
    if (auto const arrays = at.member("arrays", Json::Kind::Object, false)) {
        out.arrays = to_boost(*arrays->json).as_object();
    }
    if (auto const tensors = at.member("tensors", Json::Kind::Array, false)) {
        out.tensors = read_tensors(*tensors);
    }
    auto const* architecture = out.model_info.if_contains("general.architecture");
    if (architecture == nullptr || !architecture->is_string()) {
        at.wrong("model_info", "has no \"general.architecture\"");
        return;
    }
    out.architecture = std::string(architecture->get_string());
    auto const prefix = out.architecture + ".";
    out.trained_ctx =
        static_cast<std::uint32_t>(number_in(out.model_info, prefix + "context_length", 0));
    out.embedding_length =
        static_cast<std::uint32_t>(number_in(out.model_info, prefix + "embedding_length", 0));
    auto const heads =
        std::max<std::uint64_t>(1, number_in(out.model_info, prefix + "attention.head_count", 1));
    out.heads = static_cast<std::uint32_t>(heads);
    out.min_kv_heads = smallest_kv_heads(out, heads);
    if (out.trained_ctx == 0) {
        at.wrong("model_info", "has no \"" + prefix + "context_length\"");
    }
}

std::shared_ptr<Weights const> read_weights(Place const& at) {
    at.only(
        {"id",
         "blob",
         "file_bytes",
         "layers",
         "memory",
         "projector",
         "single_slot",
         "model_info",
         "arrays",
         "tensors",
         "context_length"}
    );
    auto out = std::make_shared<Weights>();
    out->id = at.text("id");
    out->blob = at.hex("blob");
    out->file = at.bytes("file_bytes");
    out->layers = static_cast<std::uint32_t>(at.count("layers"));
    out->single_slot = at.flag("single_slot");
    if (auto const memory = at.member("memory", Json::Kind::Object, true)) {
        out->memory = read_memory(*memory);
    }
    if (auto const projector = at.member("projector", Json::Kind::Object, false)) {
        out->projector = read_projector(*projector);
    }
    read_shape(at, *out);
    return out;
}

Remote read_remote(Place const& at) {
    at.only({"host", "model", "family", "context_length", "embedding_length"});
    return {
        at.text("host"),
        at.text("model"),
        at.text("family", ""),
        static_cast<std::uint32_t>(at.count("context_length", 0)),
        static_cast<std::uint32_t>(at.count("embedding_length", 0)),
    };
}

void read_parameters(Place const& at, Model& out) {
    auto const list = at.member("parameters", Json::Kind::Array, false);
    for (std::size_t i = 0; list && i < list->json->items.size(); ++i) {
        auto const& pair = list->json->items[i];
        if (!pair.is(Json::Kind::Array) || pair.items.size() != 2 ||
            !pair.items[0].is(Json::Kind::String)) {
            list->item(i).wrong("", "must be a pair [\"name\", value]");
            continue;
        }
        out.parameters.emplace_back(pair.items[0].text, to_boost(pair.items[1]));
    }
}

void read_capabilities(Place const& at, Model& out) {
    static constexpr std::string_view kKnown[] = {
        "completion", "tools", "insert", "vision", "embedding", "thinking", "image", "audio"
    };
    auto const list = at.member("capabilities", Json::Kind::Array, false);
    if (!list) {
        out.capabilities = {"completion"};
        return;
    }
    for (auto const& item : list->json->items) {
        if (std::ranges::find(kKnown, item.text) == std::end(kKnown)) {
            at.wrong(
                "capabilities",
                "has \"" + item.text +
                    "\"; known are completion, tools, insert, vision, embedding, "
                    "thinking, image and audio"
            );
        }
        out.capabilities.push_back(item.text);
    }
}

ModelPtr read_model(Place const& at, WeightsById const& weights) {
    at.only(
        {"name",
         "digest",
         "weights",
         "remote",
         "capabilities",
         "parameter_size",
         "quantization_level",
         "modified_at",
         "template",
         "template_blob",
         "system",
         "license",
         "parent_model",
         "parameters",
         "layers_bytes"}
    );
    auto out = std::make_shared<Model>();
    out->name = at.text("name");
    out->key = key_of(out->name);
    if (out->key.empty()) {
        at.wrong("name", "\"" + out->name + "\" is no model name");
    }
    out->digest = at.hex("digest");
    read_capabilities(at, *out);
    read_parameters(at, *out);
    out->parameter_size = at.text("parameter_size", "unknown");
    out->quantization_level = at.text("quantization_level", "Q4_K_M");
    out->modified_at = at.text("modified_at", "2026-08-01T09:00:00.123456789Z");
    out->prompt_template = at.text("template", "{{ .Prompt }}");
    out->template_blob = at.text("template_blob", "");
    out->system = at.text("system", "");
    out->license = at.text("license", "");
    out->parent_model = at.text("parent_model", "");
    out->small_layers = at.bytes("layers_bytes", Bytes(480));
    if (auto const remote = at.member("remote", Json::Kind::Object, false)) {
        out->remote = read_remote(*remote);
        return out;
    }
    auto const id = at.text("weights");
    auto const found = weights.find(id);
    if (found == weights.end()) {
        at.wrong("weights", "names \"" + id + "\", and no entry of \"weights\" has that id");
        return out;
    }
    out->weights = found->second;
    return out;
}

}  // namespace

bool Model::can(std::string_view capability) const {
    return std::ranges::find(capabilities, capability) != capabilities.end();
}

Bytes Model::size() const {
    if (!weights) {
        return small_layers;
    }
    return weights->file + small_layers +
           (weights->projector ? weights->projector->file : Bytes(0));
}

std::string Model::family() const {
    return weights ? weights->architecture : remote ? remote->family : std::string();
}

std::string key_of(std::string_view name) {
    auto const parsed = ModelName::parse(name);
    return parsed ? parsed->key() : std::string();
}

Result<std::vector<ModelPtr>> read_catalogue(std::string_view text, std::string_view file) {
    std::size_t line = 1;
    auto const json = read_json(text, &line);
    if (!json) {
        return fail(
            Errc::Invalid,
            std::string(file) + ":" + std::to_string(line) + ": " + json.error().message
        );
    }
    Complaints complaints(file);
    Place const root(complaints, *json, "");
    root.only({"weights", "models"});
    WeightsById weights;
    if (auto const list = root.member("weights", Json::Kind::Array, false)) {
        for (std::size_t i = 0; i < list->json->items.size(); ++i) {
            auto entry = read_weights(list->item(i));
            if (!weights.emplace(entry->id, entry).second) {
                list->item(i).wrong("id", "\"" + entry->id + "\" stands twice");
            }
        }
    }
    std::vector<ModelPtr> models;
    if (auto const list = root.member("models", Json::Kind::Array, true)) {
        for (std::size_t i = 0; i < list->json->items.size(); ++i) {
            auto model = read_model(list->item(i), weights);
            if (std::ranges::any_of(models, [&](auto const& other) {
                    return other->key == model->key;
                })) {
                list->item(i).wrong("name", "\"" + model->name + "\" stands twice");
            }
            models.push_back(std::move(model));
        }
    }
    if (!complaints.first.empty()) {
        return fail(Errc::Invalid, complaints.first);
    }
    return models;
}

Result<std::vector<ModelPtr>> load_catalogue(std::optional<std::filesystem::path> const& file) {
    if (!file) {
        return read_catalogue(builtin_catalogue(), "built-in catalogue");
    }
    std::ifstream in(*file, std::ios::binary);
    if (!in) {
        return fail(
            Errc::Invalid,
            "cannot read the catalogue " + file->string() + "; check the path given with --models"
        );
    }
    std::ostringstream text;
    text << in.rdbuf();
    return read_catalogue(text.str(), file->string());
}

}  // namespace plimsoll::sim
