#include "app/control_client.hpp"
#include "app/progress.hpp"
#include "app/run.hpp"
#include "app/views.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdio>

namespace plimsoll::app {
namespace {

using Action = ClientOptions::Action;

constexpr std::string_view kLoadPath = "/plimsoll/v1/models/load";

struct Request {
    bool is_post = false;
    std::string_view path;
    boost::json::object body;
};

Request request_of(ClientOptions const& options) {
    boost::json::object body;
    body["model"] = options.model;
    if (options.num_ctx) {
        body["num_ctx"] = *options.num_ctx;
    }
    if (options.pin_for) {
        body["for"] = to_seconds(*options.pin_for);
    }
    switch (options.action) {
        case Action::Status:
            return {false, "/plimsoll/v1/status", {}};
        case Action::Ps:
            return {false, "/plimsoll/v1/models", {}};
        case Action::Queue:
            return {false, "/plimsoll/v1/queue", {}};
        case Action::Plan:
            if (!options.priority.empty()) {
                body["priority"] = options.priority;
            }
            return {true, "/plimsoll/v1/plan", std::move(body)};
        case Action::Load:
            return {true, kLoadPath, std::move(body)};
        case Action::Unload:
            return {true, "/plimsoll/v1/models/unload", std::move(body)};
        case Action::Pin:
            return {true, "/plimsoll/v1/models/pin", std::move(body)};
        case Action::Unpin:
            return {true, "/plimsoll/v1/models/unpin", std::move(body)};
        case Action::Cleanup:
            return {true, "/plimsoll/v1/cleanup", {}};
    }
    return {};
}

std::string render(
    ClientOptions const& options, boost::json::value const& answer, Terminal const& terminal
) {
    switch (options.action) {
        case Action::Status:
            return render_status(answer, terminal);
        case Action::Ps:
            return render_models(answer, terminal);
        case Action::Queue:
            return render_queue(answer, terminal);
        case Action::Plan:
            return render_plan(answer, terminal);
        case Action::Cleanup:
            return render_cleanup(answer, terminal);
        case Action::Load:
            return describe_instance("Ready", answer);
        case Action::Pin:
            return describe_instance("Pinned", answer);
        case Action::Unload:
            return "Unloaded " + options.model + '\n';
        case Action::Unpin:
            return "Unpinned " + options.model + '\n';
    }
    return {};
}

// On a terminal a pin is a watched load first: what takes time is the load, and only that tells how
// far it is.
Result<boost::json::value> call(
    ControlClient& client, ClientOptions const& options, Terminal const& terminal
) {
    auto const request = request_of(options);
    if (!request.is_post) {
        return client.get(request.path);
    }
    auto const watch = progress_on(terminal, options.model);
    bool const loads = options.action == Action::Load || options.action == Action::Pin;
    if (!loads || !watch) {
        return client.post(request.path, request.body);
    }
    auto body = request.body;
    body.erase("for");
    auto loaded = client.post_watched(kLoadPath, body, watch);
    end_progress(terminal);
    if (!loaded || options.action == Action::Load) {
        return loaded;
    }
    return client.post(request.path, request.body);
}

}  // namespace

namespace {

int run_once(ControlClient& client, ClientOptions const& options) {
    auto const answer = call(client, options, terminal_of(2));
    if (!answer) {
        std::fprintf(stderr, "plimsoll: %s\n", answer.error().message.c_str());
        return 1;
    }
    auto const text = options.json ? boost::json::serialize(*answer) + '\n'
                                   : render(options, *answer, terminal_of(1));
    std::fputs(text.c_str(), stdout);
    return 0;
}

}  // namespace

int run_client(ClientOptions const& options) {
    auto client = ControlClient::make(options.url, options.key_file);
    if (!client) {
        std::fprintf(stderr, "plimsoll: %s\n", client.error().message.c_str());
        return 2;
    }
    if (options.action != Action::Plan) {
        return run_once(*client, options);
    }
    int status = 0;
    for (auto const& model : options.models) {
        ClientOptions one = options;
        one.model = model;
        status = std::max(status, run_once(*client, one));
    }
    return status;
}

}  // namespace plimsoll::app
