#include "upstream/ollama_body.hpp"

#include <boost/json.hpp>
#include <spdlog/fmt/fmt.h>

#include <chrono>

namespace plimsoll::upstream {
namespace {

namespace json = boost::json;

template <class T>
void add(json::object& to, std::string_view key, std::optional<T> const& value) {
    if (value) {
        to[key] = *value;
    }
}

json::object options_of(core::RunnerSettings const& settings) {
    json::object options;
    options["num_ctx"] = settings.num_ctx;
    if (settings.num_batch != 0) {
        options["num_batch"] = settings.num_batch;
    }
    add(options, "num_gpu", settings.options.num_gpu);
    add(options, "main_gpu", settings.options.main_gpu);
    add(options, "num_thread", settings.options.num_thread);
    add(options, "draft_num_predict", settings.options.draft_num_predict);
    add(options, "use_mmap", settings.options.use_mmap);
    return options;
}

}  // namespace

std::string go_duration(Duration duration) {
    using std::chrono::duration_cast;
    auto const ms = duration_cast<std::chrono::milliseconds>(duration).count();
    if (ms % 3'600'000 == 0 && ms != 0) {
        return fmt::format("{}h", ms / 3'600'000);
    }
    if (ms % 60'000 == 0 && ms != 0) {
        return fmt::format("{}m", ms / 60'000);
    }
    return ms % 1000 == 0 ? fmt::format("{}s", ms / 1000) : fmt::format("{}ms", ms);
}

std::string name_body(std::string_view model) {
    return json::serialize(json::object{{"model", model}});
}

std::string unload_body(std::string_view model) {
    return json::serialize(json::object{{"model", model}, {"keep_alive", 0}});
}

std::string load_body(LoadRequest const& request) {
    json::object body{{"model", request.model}, {"keep_alive", go_duration(request.keep_alive)}};
    if (request.form == core::Form::Pinned) {
        body["options"] = options_of(request.settings);
        // `shift` is a member of its own, and unknown to the embedding route.
        if (!request.is_embedding_only) {
            add(body, "shift", request.settings.options.shift);
        }
    }
    return json::serialize(body);
}

}  // namespace plimsoll::upstream
