// What would happen to a request now, without doing it.

#include "control/impl.hpp"
#include "control/json_view.hpp"
#include "control/request_json.hpp"

#include <boost/json/array.hpp>

#include <array>

namespace plimsoll::control {
namespace {

namespace json = boost::json;
using namespace std::string_view_literals;

std::string_view name_of(core::ForecastStep::Kind kind) {
    switch (kind) {
        case core::ForecastStep::Kind::Drain:
            return "drain";
        case core::ForecastStep::Kind::Unload:
            return "unload";
        case core::ForecastStep::Kind::Load:
            return "load";
        case core::ForecastStep::Kind::Ready:
            return "ready";
        case core::ForecastStep::Kind::Dispatch:
            return "dispatch";
        case core::ForecastStep::Kind::Refuse:
            return "refuse";
    }
    return "unknown";
}

json::object step_json(core::ForecastStep const& step) {
    return {
        {"in_seconds", to_seconds(step.in)},
        {"what", name_of(step.kind)},
        {"model", step.model.empty() ? json::value(nullptr) : json::value(step.model)},
        {"bytes", step.bytes.is_zero() ? json::value(nullptr) : json::value(step.bytes.count())},
        {"reason", step.reason.empty() ? json::value(nullptr) : json::value(step.reason)}
    };
}

std::string_view outcome_of(core::Forecast const& forecast) {
    if (forecast.refusal) {
        return "refused";
    }
    if (!forecast.wait) {
        return "unknown";
    }
    return *forecast.wait == Duration{} ? "at_once" : "waits";
}

Result<std::optional<core::Priority>> priority_of(json::object const& body) {
    auto const text = string_member(body, "priority");
    if (!text) {
        return fail(text.error());
    }
    if (!*text) {
        return std::optional<core::Priority>();
    }
    for (auto const priority :
         {core::Priority::Low, core::Priority::Normal, core::Priority::High}) {
        if (to_string(priority) == **text) {
            return std::optional(priority);
        }
    }
    return fail(
        Errc::BadRequest, R"("priority" must be "low", "normal" or "high")", ErrorSource::Client
    );
}

json::object plan_json(engine::Engine& engine, engine::Engine::Plan const& plan) {
    auto const snapshot = engine.snapshot();
    auto const& forecast = plan.forecast;
    json::array steps;
    for (auto const& step : forecast.steps) {
        steps.push_back(step_json(step));
    }
    json::object out;
    out["model"] = plan.demand.model;
    out["upstream"] = engine.provider().config().name;
    out["outcome"] = outcome_of(forecast);
    out["wait_seconds"] = seconds_or_null(forecast.wait);
    out["retry_after_seconds"] = seconds_or_null(forecast.retry_after);
    out["form"] = to_string(plan.demand.form);
    out["num_ctx"] = plan.demand.settings.num_ctx;
    out["charge_bytes"] = plan.demand.charge.count();
    out["budget_bytes"] = snapshot.budget.count();
    out["charged_bytes"] = snapshot.charged.count();
    out["steps"] = std::move(steps);
    return out;
}

}  // namespace

net::Task<void> Control::Impl::plan(net::Exchange& exchange) {
    static constexpr std::array kMembers{"model"sv, "num_ctx"sv, "priority"sv, "upstream"sv};
    auto const body = co_await read_object(exchange, kMembers);
    if (!body) {
        co_await respond_error(exchange, body.error());
        co_return;
    }
    auto const priority = priority_of(*body);
    if (!priority) {
        co_await respond_error(exchange, priority.error());
        co_return;
    }
    auto call = co_await model_call(exchange, *body);
    if (!call) {
        co_return;
    }
    call->request.priority = *priority;
    auto const plan = co_await call->engine.plan(std::move(call->request));
    if (!plan) {
        co_await respond_error(exchange, plan.error());
        co_return;
    }
    co_await respond_json(exchange, 200, plan_json(call->engine, *plan));
}

}  // namespace plimsoll::control
