// runs: list, show, cancel, resume.

#include "app/control_client.hpp"
#include "app/json_view.hpp"
#include "app/run.hpp"
#include "app/run_follow.hpp"
#include "app/run_views.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdio>

namespace plimsoll::app {
namespace {

namespace json = boost::json;
using Action = RunsOptions::Action;
using http::Method;

std::string path_of(std::string const& id) {
    return "/plimsoll/v1/runs/" + id;
}

std::string render(RunsOptions const& options, json::value const& answer) {
    if (options.json) {
        return json::serialize(answer) + '\n';
    }
    switch (options.action) {
        case Action::List:
            return render_runs(answer, terminal_of(1));
        case Action::Show:
            return render_run(answer, terminal_of(1));
        case Action::Cancel:
            return describe_ended(answer);
        case Action::Resume:
            return "Run " + options.id + " goes on; see: plimsoll runs show " + options.id + '\n';
    }
    return {};
}

int ask(ControlClient& client, RunsOptions const& options, Method method, std::string const& path) {
    auto const reply = client.call(method, path, {});
    if (!reply) {
        return complain(reply.error().message);
    }
    if (reply->status >= 400) {
        return complain(*reply, options.id);
    }
    return write_out(render(options, reply->body)) ? 0 : 1;
}

// The number of the last event, so that only what comes after it is shown.
class LastEvent final : public ControlClient::Follower {
  public:
    void on_event(json::value const& event, TimePoint) override {
        last_ = std::max(last_, JsonView(event)["id"].count());
    }

    void on_tick(TimePoint) override {}

    std::optional<ControlClient::Question> question() override { return std::nullopt; }

    void on_answer(json::value const&, TimePoint) override {}

    [[nodiscard]] std::uint64_t last() const { return last_; }

  private:
    std::uint64_t last_ = 0;
};

int resume(ControlClient& client, RunsOptions const& options) {
    auto const path = path_of(options.id);
    if (options.detach) {
        return ask(client, options, Method::Post, path + "/resume");
    }
    auto const view = client.call(Method::Get, path, {});
    if (!view) {
        return complain(view.error().message);
    }
    if (view->status >= 400) {
        return complain(*view, options.id);
    }
    // The events of one that is running have no end yet; resume says that it cannot be resumed.
    LastEvent before;
    if (JsonView(view->body)["ended"].exists()) {
        auto const past = client.follow(Method::Get, path + "/events", {}, before);
        if (!past) {
            return complain(past.error().message);
        }
    }
    auto const resumed = client.call(Method::Post, path + "/resume", {});
    if (!resumed) {
        return complain(resumed.error().message);
    }
    if (resumed->status >= 400) {
        return complain(*resumed, options.id);
    }
    return follow_run(
        client,
        {.method = Method::Get,
         .path = path + "/events?after=" + std::to_string(before.last()),
         .body = {},
         .source = options.id,
         .json = options.json,
         .quiet = options.quiet}
    );
}

}  // namespace

int run_runs(RunsOptions const& options) {
    auto client = ControlClient::make(options.url, options.key_file);
    if (!client) {
        complain(client.error().message);
        return 2;
    }
    switch (options.action) {
        case Action::List:
            return ask(
                *client,
                options,
                Method::Get,
                "/plimsoll/v1/runs?limit=" + std::to_string(options.limit)
            );
        case Action::Show:
            return ask(*client, options, Method::Get, path_of(options.id));
        case Action::Cancel:
            return ask(*client, options, Method::Delete, path_of(options.id));
        case Action::Resume:
            return resume(*client, options);
    }
    return 1;
}

}  // namespace plimsoll::app
