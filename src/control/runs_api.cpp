// Runs of chains: listed, looked at, followed, cancelled, resumed.

#include "control/impl.hpp"
#include "control/query.hpp"
#include "control/run_stream.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <array>
#include <limits>

namespace plimsoll::control {
namespace {

namespace json = boost::json;

constexpr Duration kHeartbeat = std::chrono::seconds(15);
constexpr std::uint64_t kListed = 100;  // runs, unless ?limit says otherwise
constexpr std::uint64_t kMostListed = 10'000;

using namespace std::string_view_literals;

Result<RunStream> stream_of(http::RequestHead const& head) {
    static constexpr std::array kParameters{"after"sv, "follow"sv};
    constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
    auto const query = read_query(head, kParameters);
    if (!query) {
        return fail(query.error());
    }
    auto const after = number_parameter(*query, "after", 0, kMost);
    if (!after) {
        return fail(after.error());
    }
    auto const follows = flag_parameter(*query, "follow", true);
    if (!follows) {
        return fail(follows.error());
    }
    RunStream out;
    auto const accept = head.fields.get("Accept").value_or("");
    out.is_sse = accept.find("text/event-stream") != std::string_view::npos;
    out.follows = *follows && head.method != http::Method::Head;
    auto const last = head.fields.get("Last-Event-ID");
    auto const seen = last ? parse_u64(*last) : std::nullopt;
    out.after_id = seen ? *seen : after->value_or(0);
    return out;
}

http::Fields stream_fields(bool is_sse) {
    http::Fields fields;
    fields.add("Content-Type", is_sse ? "text/event-stream" : "application/x-ndjson");
    fields.add("Cache-Control", "no-store");
    return fields;
}

std::string url_of(std::string const& id) {
    return "/plimsoll/v1/runs/" + id;
}

}  // namespace

std::string event_text(
    std::string_view json, std::uint64_t id, std::string_view kind, bool is_sse
) {
    return is_sse ? fmt::format("id: {}\nevent: {}\ndata: {}\n\n", id, kind, json)
                  : fmt::format("{}\n", json);
}

net::Task<void> stream_run(net::Exchange& exchange, chain::Run& run, RunStream how) {
    auto& loop = exchange.loop();
    auto const started = co_await exchange.start(
        200, "OK", stream_fields(how.is_sse), {http::Framing::Kind::Chunked, 0}, true
    );
    bool is_there = started.has_value();
    while (is_there) {
        // Who does not follow gets what there is: a moment that has passed ends the wait for more.
        auto const until = how.follows ? loop.now() + kHeartbeat : loop.now();
        auto const event = co_await run.next_event(how.after_id, until, &exchange.canceller());
        bool const is_end = event ? !*event : !how.follows;
        if (is_end) {
            break;
        }
        if (event) {
            auto const& told = **event;
            how.after_id = told.id;
            auto const written = co_await exchange.write(
                event_text(json::serialize(told.data), told.id, told.kind, how.is_sse)
            );
            is_there = written.has_value();
        } else if (event.error().code != Errc::Timeout) {
            is_there = false;
        } else if (how.is_sse) {
            auto const written = co_await exchange.write(": still here\n\n");
            is_there = written.has_value();
        }
    }
    if (is_there) {
        auto const finished = co_await exchange.finish();
        static_cast<void>(finished);
    } else if (how.is_owner) {
        run.cancel("the client left");
    }
}

net::Task<void> respond_accepted(net::Exchange& exchange, chain::Run const& run) {
    auto reply = http::json_reply(
        202,
        json::serialize(json::object{
            {"id", run.id()},
            {"status", to_string(run.status())},
            {"url", url_of(run.id())},
            {"events", url_of(run.id()) + "/events"},
        })
    );
    reply.fields.add("Location", url_of(run.id()));
    reply.fields.add("Preference-Applied", "respond-async");
    auto const sent = co_await exchange.respond(std::move(reply));
    static_cast<void>(sent);
}

net::Task<void> Control::Impl::runs(net::Exchange& exchange) {
    static constexpr std::array kParameters{"limit"sv};
    auto const query = read_query(exchange.head(), kParameters);
    if (!query) {
        co_await respond_error(exchange, query.error());
        co_return;
    }
    auto const limit = number_parameter(*query, "limit", 1, kMostListed);
    if (!limit) {
        co_await respond_error(exchange, limit.error());
        co_return;
    }
    auto list = co_await context.chains->runs(limit->value_or(kListed));
    if (!list) {
        co_await respond_error(exchange, list.error());
        co_return;
    }
    co_await respond_json(exchange, 200, {{"runs", std::move(*list)}});
}

net::Task<void> Control::Impl::run(net::Exchange& exchange) {
    auto const view = co_await context.chains->view(segment(exchange, 3));
    if (!view) {
        co_await respond_error(exchange, view.error());
        co_return;
    }
    co_await respond_json(exchange, 200, *view);
}

net::Task<void> Control::Impl::run_events(net::Exchange& exchange) {
    auto const id = segment(exchange, 3);
    auto const how = stream_of(exchange.head());
    if (!how) {
        co_await respond_error(exchange, how.error());
        co_return;
    }
    if (auto const run = context.chains->find(id)) {
        co_await stream_run(exchange, *run, *how);
        co_return;
    }
    auto const past = co_await context.chains->past_events(id, how->after_id);
    if (!past) {
        co_await respond_error(exchange, past.error());
        co_return;
    }
    http::Reply reply;
    reply.status = 200;
    reply.fields = stream_fields(how->is_sse);
    for (auto const& line : *past) {
        boost::system::error_code broken;
        auto const event = json::parse(line, broken);
        if (!broken && event.is_object()) {
            auto const& object = event.get_object();
            auto const kind = object.if_contains("event");
            auto const number = object.if_contains("id");
            reply.body += event_text(
                line,
                number != nullptr && number->is_number() ? number->to_number<std::uint64_t>() : 0,
                kind != nullptr && kind->is_string() ? std::string_view(kind->get_string()) : "",
                how->is_sse
            );
        }
    }
    auto const sent = co_await exchange.respond(std::move(reply));
    static_cast<void>(sent);
}

net::Task<void> Control::Impl::resume_run(net::Exchange& exchange) {
    auto const run = co_await context.chains->resume(segment(exchange, 3));
    if (!run) {
        co_await respond_error(exchange, run.error());
        co_return;
    }
    co_await respond_accepted(exchange, **run);
}

net::Task<void> Control::Impl::cancel_run(net::Exchange& exchange) {
    auto const id = segment(exchange, 3);
    if (auto const run = context.chains->find(id)) {
        run->cancel("cancelled by " + exchange.peer());
        // Until what it held is given back.
        auto const ended = co_await run->wait(&exchange.canceller());
        if (!ended) {
            exchange.abort();
            co_return;
        }
        co_await respond_json(exchange, 200, run->view());
        co_return;
    }
    auto const view = co_await context.chains->view(id);
    co_await respond_error(
        exchange,
        view ? Error(
                   Errc::Conflict, fmt::format("run {} has ended already", id), ErrorSource::Client
               )
             : view.error()
    );
}

}  // namespace plimsoll::control
