// estimate: asks a running Plimsoll, or predicts from a saved answer of /api/show.

#include "app/control_client.hpp"
#include "app/json_view.hpp"
#include "app/run.hpp"
#include "app/views.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/memory/estimate.hpp>
#include <plimsoll/upstream/show.hpp>

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>

namespace plimsoll::app {
namespace {

namespace json = boost::json;

constexpr std::uint32_t kDefaultCtx = 4096;  // tokens; Ollama's, where there is little memory
constexpr std::size_t kMostBytes = 256UL << 20;

Result<std::string> read_all(std::istream& in, std::string const& name) {
    std::string text;
    std::array<char, 65536> part;
    while (in.read(part.data(), part.size()) || in.gcount() > 0) {
        text.append(part.data(), static_cast<std::size_t>(in.gcount()));
        if (text.size() > kMostBytes) {
            return fail(Errc::Invalid, name + " is longer than 256 MiB: no answer of /api/show is");
        }
    }
    if (in.bad()) {
        return fail(Errc::Invalid, name + " cannot be read to its end");
    }
    return text;
}

Result<std::string> read_show_file(std::string const& name) {
    if (name == "-") {
        return read_all(std::cin, "standard input");
    }
    std::ifstream file(name, std::ios::binary);
    if (!file) {
        return fail(
            Errc::NotFound,
            fmt::format(
                "{} cannot be opened: {}", printable(name), std::generic_category().message(errno)
            )
        );
    }
    return read_all(file, printable(name));
}

memory::EstimateQuery query_of(EstimateOptions const& options, upstream::ModelInfo const& info) {
    memory::EstimateQuery query;
    memory::Settings& settings = query.settings;
    settings.num_ctx = options.num_ctx.value_or(info.num_ctx.value_or(kDefaultCtx));
    settings.num_batch = options.num_batch.value_or(info.num_batch.value_or(0));
    settings.parallel = options.parallel.value_or(1);
    settings.draft_num_predict = options.draft_num_predict.value_or(0);
    settings.kv_type = memory::parse_kv_type(options.kv_type).value_or(settings.kv_type);
    settings.flash_attention =
        memory::parse_flash_attention(options.flash_attention).value_or(settings.flash_attention);
    query.device.overhead = options.overhead.value_or(query.device.overhead);
    query.fit = options.fit;
    return query;
}

Result<json::value> estimate_file(EstimateOptions const& options) {
    auto const text = read_show_file(options.show);
    if (!text) {
        return fail(text.error());
    }
    std::string const name = options.show == "-" ? "standard input" : printable(options.show);
    auto const info = upstream::read_show(*text);
    if (!info) {
        return fail(
            Errc::Invalid,
            fmt::format("{} is no answer of /api/show: {}", name, info.error().message)
        );
    }
    memory::Geometry const& geometry = info->geometry;
    if (!geometry.defect.empty()) {
        return fail(
            Errc::Invalid,
            fmt::format("{} cannot be a model's: {}", name, printable(geometry.defect))
        );
    }
    if (!geometry.missing.empty()) {
        return fail(
            Errc::Invalid,
            fmt::format(
                "{} lacks {}: without it no bytes can be told. Save the whole answer of "
                "POST /api/show",
                name,
                printable(fmt::format("{}", fmt::join(geometry.missing, ", ")))
            )
        );
    }
    if (geometry.device_weights.is_zero()) {
        return fail(
            Errc::Invalid,
            geometry.assumptions.empty()
                ? fmt::format("{} lists no tensors: the weights cannot be told", name)
                : fmt::format("{}: {}", name, geometry.assumptions.front())
        );
    }
    json::object out =
        memory::to_json(memory::estimate(geometry, Bytes(), query_of(options, *info)));
    out["model"] = options.model.empty() ? name : options.model;
    out["architecture"] = geometry.architecture;
    return out;
}

Result<json::value> ask_daemon(EstimateOptions const& options) {
    auto client = ControlClient::make(options.url, options.key_file);
    if (!client) {
        return fail(client.error());
    }
    json::object body;
    body["model"] = options.model;
    auto const add = [&body](char const* name, auto const& value) {
        if (value) {
            body[name] = *value;
        }
    };
    add("num_ctx", options.num_ctx);
    add("num_batch", options.num_batch);
    add("parallel", options.parallel);
    add("draft_num_predict", options.draft_num_predict);
    if (!options.kv_type.empty()) {
        body["kv_cache_type"] = options.kv_type;
    }
    if (!options.flash_attention.empty()) {
        body["flash_attention"] = options.flash_attention;
    }
    if (options.fit) {
        body["fit"] = options.fit->count();
    }
    return client->post("/plimsoll/v1/estimate", body);
}

}  // namespace

int run_estimate(EstimateOptions const& options) {
    auto const answer = options.show.empty() ? ask_daemon(options) : estimate_file(options);
    if (!answer) {
        std::fprintf(stderr, "plimsoll: %s\n", answer.error().message.c_str());
        return 1;
    }
    auto const text =
        options.json ? json::serialize(*answer) + '\n' : render_estimate(*answer, terminal_of(1));
    std::fputs(text.c_str(), stdout);
    JsonView const view(*answer);
    bool const is_too_large = view["fit_bytes"].exists() && !view["largest_num_ctx"].exists();
    return view["loads"].is_true() && !is_too_large ? 0 : 1;
}

}  // namespace plimsoll::app
