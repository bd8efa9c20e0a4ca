// Saved chains, and runs that are begun.

#include "control/impl.hpp"
#include "control/request_json.hpp"
#include "control/run_stream.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <spdlog/fmt/fmt.h>

namespace plimsoll::control {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMostBody = 16ULL << 20;
constexpr std::size_t kMostVars = 100;

Error bad(std::string text) {
    return {Errc::BadRequest, std::move(text), ErrorSource::Client};
}

json::array problems_json(std::vector<chain::Problem> const& problems) {
    json::array out;
    for (auto const& problem : problems) {
        out.push_back(json::object{{"at", problem.pointer}, {"problem", problem.message}});
    }
    return out;
}

// What is wrong with a document, as a person reads it and as a program does.
net::Task<void> respond_problems(
    net::Exchange& exchange, std::vector<chain::Problem> const& problems
) {
    co_await respond_json(
        exchange, 400, {{"error", chain::to_text(problems)}, {"problems", problems_json(problems)}}
    );
}

json::object chain_json(chain::Chains::Saved const& saved) {
    json::object out{
        {"name", saved.name},
        {"model", "chain/" + saved.name},
        {"document", saved.document},
        {"problems", problems_json(saved.problems)},
    };
    auto const* const object = saved.document.if_object();
    auto const* const description =
        object == nullptr ? nullptr : object->if_contains("description");
    out["description"] = description == nullptr ? json::value("") : *description;
    return out;
}

struct RunBody {
    json::value document;  // null: of the saved chain
    std::string input;
    std::map<std::string, std::string> vars;
    bool is_stream = false;
};

Result<std::map<std::string, std::string>> vars_of(json::value const& value) {
    std::map<std::string, std::string> out;
    auto const* const object = value.if_object();
    if (object == nullptr || object->size() > kMostVars) {
        return fail(bad(fmt::format("\"vars\" wants an object of at most {} texts", kMostVars)));
    }
    for (auto const& member : *object) {
        if (!member.value().is_string()) {
            return fail(bad(
                fmt::format("\"vars\" wants texts; \"{}\" is none", printable(member.key(), 80))
            ));
        }
        out[member.key()] = std::string(member.value().get_string());
    }
    return out;
}

// {"input", "vars", "stream"} beside "chain", or beside the members of the chain itself.
Result<RunBody> read_run(json::value document, bool is_saved) {
    auto* const object = document.if_object();
    if (object == nullptr) {
        return fail(bad("the body must be a JSON object"));
    }
    RunBody out;
    auto input = string_member(*object, "input");
    if (!input) {
        return fail(std::move(input).error());
    }
    auto stream = bool_member(*object, "stream");
    if (!stream) {
        return fail(std::move(stream).error());
    }
    out.input = std::move(*input).value_or("");
    out.is_stream = stream->value_or(false);
    object->erase("input");
    object->erase("stream");
    bool const is_nested = !is_saved && object->contains("chain");
    bool const has_own_vars = is_saved || is_nested;
    if (auto const* const vars = object->if_contains("vars"); vars != nullptr && has_own_vars) {
        auto read = vars_of(*vars);
        if (!read) {
            return fail(std::move(read).error());
        }
        out.vars = std::move(*read);
        object->erase("vars");
    }
    if (is_nested) {
        // Looked up here: to erase a member moves others.
        out.document = std::move(object->at("chain"));
        object->erase("chain");
    } else if (!is_saved) {
        out.document = std::move(document);
        return out;
    }
    if (!object->empty()) {
        return fail(bad(fmt::format(
            "unknown member \"{}\"; known are: {}input, vars, stream",
            printable(object->begin()->key(), 80),
            is_saved ? "" : "chain, "
        )));
    }
    return out;
}

bool prefers_async(http::RequestHead const& head) {
    for (auto const field : head.fields) {
        if (!iequals(field.name, "Prefer")) {
            continue;
        }
        for (auto const part : split(field.value, ',')) {
            if (iequals(trim(part), "respond-async")) {
                return true;
            }
        }
    }
    return false;
}

}  // namespace

// The document of a body; what is wrong with it is answered here.
net::Task<std::optional<json::value>> Control::Impl::read_document(net::Exchange& exchange) {
    net::Body body;
    auto const read = co_await exchange.read_body(body, kMostBody);
    if (!read) {
        co_await respond_error(exchange, read.error());
        co_return std::nullopt;
    }
    auto document = chain::parse_document(body.view());
    if (!document) {
        co_await respond_problems(exchange, document.error());
        co_return std::nullopt;
    }
    co_return std::move(*document);
}

net::Task<void> Control::Impl::chains(net::Exchange& exchange) {
    auto const saved = co_await context.chains->saved();
    if (!saved) {
        co_await respond_error(exchange, saved.error());
        co_return;
    }
    json::array list;
    for (auto const& each : *saved) {
        list.push_back(chain_json(each));
    }
    co_await respond_json(exchange, 200, {{"chains", std::move(list)}});
}

net::Task<void> Control::Impl::saved_chain(net::Exchange& exchange) {
    auto const saved = co_await context.chains->saved(segment(exchange, 3));
    if (!saved) {
        co_await respond_error(exchange, saved.error());
        co_return;
    }
    co_await respond_json(exchange, 200, chain_json(*saved));
}

net::Task<void> Control::Impl::check_chain(net::Exchange& exchange) {
    auto const document = co_await read_document(exchange);
    if (!document) {
        co_return;
    }
    auto const spec = context.chains->check(*document);
    if (!spec) {
        co_await respond_problems(exchange, spec.error());
        co_return;
    }
    co_await respond_json(
        exchange, 200, {{"ok", true}, {"name", spec->name}, {"steps", spec->steps.size()}}
    );
}

net::Task<void> Control::Impl::save_chain(net::Exchange& exchange) {
    auto const name = segment(exchange, 3);
    auto document = co_await read_document(exchange);
    if (!document) {
        co_return;
    }
    auto const spec = context.chains->check(*document);
    if (!spec) {
        co_await respond_problems(exchange, spec.error());
        co_return;
    }
    if (!spec->name.empty() && spec->name != name) {
        co_await respond_error(
            exchange,
            bad(fmt::format(
                "the chain is named \"{}\", but is to be saved as \"{}\"; name it alike, or leave "
                "name out",
                spec->name,
                printable(name, 80)
            ))
        );
        co_return;
    }
    auto const done = co_await context.chains->save(name, std::move(*document));
    if (!done) {
        co_await respond_error(exchange, done.error());
        co_return;
    }
    co_await saved_chain(exchange);
}

net::Task<void> Control::Impl::delete_chain(net::Exchange& exchange) {
    auto const name = segment(exchange, 3);
    auto const done = co_await context.chains->remove(name);
    if (!done) {
        co_await respond_error(exchange, done.error());
        co_return;
    }
    co_await respond_json(exchange, 200, {{"name", name}, {"deleted", true}});
}

net::Task<void> Control::Impl::run_inline(net::Exchange& exchange) {
    return run_chain(exchange, "");
}

net::Task<void> Control::Impl::run_saved(net::Exchange& exchange) {
    return run_chain(exchange, segment(exchange, 3));
}

net::Task<void> Control::Impl::run_chain(net::Exchange& exchange, std::string name) {
    auto body = co_await read_document(exchange);
    if (!body) {
        co_return;
    }
    auto asked = read_run(std::move(*body), !name.empty());
    if (!asked) {
        co_await respond_error(exchange, asked.error());
        co_return;
    }
    if (!name.empty()) {
        auto saved = co_await context.chains->saved(name);
        if (!saved) {
            co_await respond_error(exchange, saved.error());
            co_return;
        }
        if (!saved->problems.empty()) {
            co_await respond_problems(exchange, saved->problems);
            co_return;
        }
        asked->document = std::move(saved->document);
    }
    auto spec = context.chains->check(asked->document);
    if (!spec) {
        co_await respond_problems(exchange, spec.error());
        co_return;
    }
    auto const& head = exchange.head();
    bool const is_async = prefers_async(head);
    auto run = context.chains->run({
        .document = std::move(asked->document),
        .spec = std::move(*spec),
        .chain = std::move(name),
        .input = std::move(asked->input),
        .vars = std::move(asked->vars),
        .client = exchange.peer(),
        .priority = std::string(head.fields.get("Priority").value_or("")),
        .is_async = is_async,
        .trace = http::read_trace_context(head.fields),
    });
    if (!run) {
        co_await respond_error(exchange, run.error());
        co_return;
    }
    if (is_async) {
        co_await respond_accepted(exchange, **run);
    } else if (asked->is_stream) {
        co_await stream_run(exchange, **run, RunStream{.is_owner = true});
    } else {
        auto const ended = co_await (*run)->wait(&exchange.canceller());
        if (!ended) {
            (*run)->cancel("the client left");
            exchange.abort();
            co_return;
        }
        co_await respond_json(exchange, 200, (*run)->view());
    }
}

net::Task<void> Control::Impl::mcp_servers(net::Exchange& exchange) {
    co_await respond_json(exchange, 200, {{"servers", context.chains->mcp_servers()}});
}

}  // namespace plimsoll::control
