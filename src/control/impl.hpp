#pragma once
// The control API's state and its endpoints, one source file per group. Loop thread only.

#include <plimsoll/control/control.hpp>
#include <plimsoll/http/reply.hpp>

#include <boost/json/object.hpp>

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace plimsoll::control {

struct EventReader;

struct Control::Impl {
    explicit Impl(ControlContext with) : context(std::move(with)) {}

    using Endpoint = net::Task<void> (Impl::*)(net::Exchange&);

    struct Entry {
        http::Method method;
        std::string_view path;  // "{...}" stands for one part of it
        access::Right right;
        Endpoint handle;
    };

    // control.cpp
    net::Task<bool> handle(net::Exchange& exchange);
    static std::span<Entry const> endpoints();
    // Of every method.
    static std::vector<Entry const*> entries_at(std::string_view path);

    // status_api.cpp
    net::Task<void> healthz(net::Exchange& exchange);
    net::Task<void> readyz(net::Exchange& exchange);
    net::Task<void> status(net::Exchange& exchange);
    net::Task<void> models(net::Exchange& exchange);
    net::Task<void> queue(net::Exchange& exchange);

    // metrics_api.cpp
    net::Task<void> metrics(net::Exchange& exchange);

    // models_api.cpp
    struct ModelCall {
        engine::Engine& engine;
        engine::AcquireRequest request;
        std::optional<Duration> limit;
    };

    net::Task<std::optional<ModelCall>> read_model_call(
        net::Exchange& exchange, std::span<std::string_view const> members
    );
    net::Task<std::optional<ModelCall>> model_call(
        net::Exchange& exchange, boost::json::object const& body
    );
    net::Task<void> load(net::Exchange& exchange);
    net::Task<void> unload(net::Exchange& exchange);
    net::Task<void> pin(net::Exchange& exchange);
    net::Task<void> unpin(net::Exchange& exchange);
    net::Task<void> cleanup(net::Exchange& exchange);

    // page_api.cpp: the dashboard.
    net::Task<void> page(net::Exchange& exchange);
    net::Task<void> to_page(net::Exchange& exchange);

    // plan_api.cpp: what would happen to a request now.
    net::Task<void> plan(net::Exchange& exchange);

    // estimate_api.cpp: what a model would take.
    net::Task<void> estimate(net::Exchange& exchange);

    // load_progress.cpp: a load as Server-Sent Events.
    net::Task<void> load_with_progress(
        net::Exchange& exchange, engine::Engine& engine, engine::AcquireRequest request
    );

    // openapi_api.cpp
    net::Task<void> openapi(net::Exchange& exchange);

    // settings_api.cpp
    net::Task<void> settings(net::Exchange& exchange);
    net::Task<void> change_settings(net::Exchange& exchange);

    // event_stream.cpp
    net::Task<void> events(net::Exchange& exchange);
    net::Task<void> tell_events(net::Exchange& exchange, EventReader& reader);

    // chains_api.cpp
    net::Task<void> chains(net::Exchange& exchange);
    net::Task<void> saved_chain(net::Exchange& exchange);
    net::Task<void> check_chain(net::Exchange& exchange);
    net::Task<void> save_chain(net::Exchange& exchange);
    net::Task<void> delete_chain(net::Exchange& exchange);
    net::Task<void> run_inline(net::Exchange& exchange);
    net::Task<void> run_saved(net::Exchange& exchange);
    net::Task<void> run_chain(net::Exchange& exchange, std::string name);
    net::Task<void> mcp_servers(net::Exchange& exchange);
    net::Task<std::optional<boost::json::value>> read_document(net::Exchange& exchange);

    // runs_api.cpp
    net::Task<void> runs(net::Exchange& exchange);
    net::Task<void> run(net::Exchange& exchange);
    net::Task<void> run_events(net::Exchange& exchange);
    net::Task<void> resume_run(net::Exchange& exchange);
    net::Task<void> cancel_run(net::Exchange& exchange);

    // The n-th part of the path, from 0: 3 of "/plimsoll/v1/runs/ID/events" is the ID.
    static std::string segment(net::Exchange const& exchange, std::size_t n);

    // The engine named by "upstream", else the first that has the model. Errors: NotFound, or the
    // upstream's.
    net::Task<Result<engine::Engine*>> find_engine(
        std::string model, std::optional<std::string> upstream
    );

    [[nodiscard]] bool is_draining() const { return context.is_draining && context.is_draining(); }

    ControlContext context;
    std::map<std::string, Duration>
        load_times;  // by model: what the last load through this API took
};

net::Task<void> respond_json(
    net::Exchange& exchange, unsigned status, boost::json::object const& body
);
net::Task<void> respond_error(net::Exchange& exchange, Error const& error);

}  // namespace plimsoll::control
