// Saved chains as models: in the lists, in show, and as what answers.

#include "chain/chain_answer.hpp"
#include "chain/chains_impl.hpp"
#include "chain/spec/json_text.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/http/reply.hpp>
#include <plimsoll/net/wall_clock.hpp>

#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;
using http::Operation;

constexpr std::string_view kPrefix = "chain/";
constexpr std::string_view kLatest = ":latest";

// "draft" of "chain/draft" and "chain/draft:latest"; empty: it names no chain.
std::string_view chain_name(std::string_view model) {
    if (!model.starts_with(kPrefix)) {
        return {};
    }
    model.remove_prefix(kPrefix.size());
    if (model.ends_with(kLatest)) {
        model.remove_suffix(kLatest.size());
    }
    return model;
}

std::int64_t seconds_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(net::wall_now()).count();
}

json::object details() {
    return {
        {"parent_model", ""},
        {"format", "chain"},
        {"family", "chain"},
        {"families", json::array{"chain"}},
        {"parameter_size", ""},
        {"quantization_level", ""},
    };
}

json::object row_of(http::Dialect dialect, std::string const& name) {
    auto const model = std::string(kPrefix) + name;
    if (dialect == http::Dialect::OpenAi) {
        return {{"id", model}, {"object", "model"}, {"created", 0}, {"owned_by", "plimsoll"}};
    }
    return {
        {"name", model},
        {"model", model},
        {"modified_at", "1970-01-01T00:00:00Z"},
        {"size", 0},
        {"digest", ""},
        {"details", details()},
    };
}

net::Task<void> refuse(
    net::Exchange& exchange, http::Route const& route, unsigned status, std::string_view message
) {
    auto const sent = co_await exchange.respond(http::error_reply(route.dialect, status, message));
    static_cast<void>(sent);
}

std::string why_refused(http::Route const& route, std::string const& name) {
    if (route.route_class == http::RouteClass::Store) {
        return fmt::format(
            "chain/{0} is a chain of Plimsoll, no stored model; plimsoll chain save and plimsoll "
            "chain delete change it, or PUT and DELETE /plimsoll/v1/chains/{0}",
            name
        );
    }
    return "a chain answers on /api/generate, /api/chat and /v1/chat/completions";
}

// The tokens of the last step can be told as the answer while they come only where nothing can
// replace them afterwards.
bool is_last_step_final(Spec const& spec) {
    auto const& last = spec.steps.back();
    return spec.breakers.empty() && last.kind == Step::Kind::Prompt && last.tools.servers.empty();
}

// Follows a run and tells it as an answer.
class Teller {
  public:
    Teller(
        net::Exchange& exchange,
        Run& run,
        ChainAnswer answer,
        ChainQuestion question,
        Spec const& spec
    )
        : exchange_(exchange),
          run_(run),
          answer_(std::move(answer)),
          question_(std::move(question)),
          last_place_(std::to_string(spec.steps.size())),
          is_live_(is_last_step_final(spec)) {}

    net::Task<void> tell(http::Route const& route) {
        std::uint64_t seen = 0;
        while (!is_over_) {
            auto const event = co_await run_.next_event(seen, std::nullopt, &exchange_.canceller());
            if (!event) {
                run_.cancel("the client left");
                exchange_.abort();
                co_return;
            }
            if (!*event) {
                break;
            }
            seen = (*event)->id;
            auto const text = take(**event);
            if (question_.is_stream && !text.empty()) {
                auto const written = co_await write(text);
                if (!written) {
                    run_.cancel("the client left");
                    co_return;
                }
            }
        }
        co_await finish(route);
    }

  private:
    // What is to be written now.
    std::string take(RunEvent const& event) {
        if (event.kind == "token") {
            auto const text = text_member(event.data, "text");
            bool const is_last = text_member(event.data, "step") == last_place_;
            bool const is_answer = is_last && is_live_ && !event.data.contains("thinking") &&
                                   !event.data.contains("attempt");
            (is_answer ? content_ : thinking_) += text;
            // The whole answer may have to be told once more at the end, so what is not sure to be
            // of it is told as a thought.
            return is_answer ? answer_.piece(text, {}) : answer_.piece({}, text);
        }
        if (event.kind == "step_finished") {
            auto const place = text_member(event.data, "step");
            prompt_tokens_ += number_member(event.data, "prompt_tokens");
            bool const is_end = place == last_place_ && is_live_ && !event.data.contains("error");
            if (is_end) {
                // What is cleaned up afterwards is not the client's business.
                is_over_ = true;
                output_ = text_member(event.data, "output");
            }
        }
        if (event.kind == "run_finished") {
            is_over_ = true;
            output_ = text_member(event.data, "output");
            error_ = text_member(event.data, "error");
            if (error_.empty() && text_member(event.data, "status") != "succeeded") {
                error_ = "the run did not end";
            }
        }
        return {};
    }

    net::Task<Result<void>> write(std::string_view text) {
        if (!std::exchange(is_started_, true)) {
            http::Fields fields;
            fields.add("Content-Type", answer_.content_type(true));
            auto const started = co_await exchange_.start(
                200, "OK", fields, {http::Framing::Kind::Chunked, 0}, true
            );
            if (!started) {
                co_return started;
            }
        }
        co_return co_await exchange_.write(text);
    }

    net::Task<void> finish(http::Route const& route) {
        auto result = run_.view();
        result["prompt_tokens"] = prompt_tokens_;
        bool const was_told = question_.is_stream && !output_.starts_with(content_);
        if (error_.empty() && was_told) {
            error_ = "the last step was begun again after a part of its answer had been sent";
        }
        if (!error_.empty() && !is_started_) {
            co_await refuse(exchange_, route, 502, error_);
            co_return;
        }
        if (!question_.is_stream) {
            http::Reply reply;
            reply.status = 200;
            reply.fields.add("Content-Type", answer_.content_type(false));
            reply.body = answer_.whole(output_, thinking_, result);
            auto const sent = co_await exchange_.respond(std::move(reply));
            static_cast<void>(sent);
            co_return;
        }
        std::string last;
        if (!error_.empty()) {
            last = answer_.failure(error_);
        } else {
            auto const rest = std::string_view(output_).substr(content_.size());
            last = rest.empty() ? "" : answer_.piece(rest, {});
            last += answer_.end(result, question_.wants_usage);
        }
        auto const written = co_await write(last);
        if (written) {
            auto const finished = co_await exchange_.finish();
            static_cast<void>(finished);
        }
    }

    net::Exchange& exchange_;
    Run& run_;
    ChainAnswer answer_;
    ChainQuestion question_;
    std::string last_place_;
    bool is_live_;
    std::string content_, thinking_, output_, error_;
    double prompt_tokens_ = 0;
    bool is_started_ = false, is_over_ = false;
};

}  // namespace

bool Chains::Impl::has(std::string_view model) {
    auto const name = chain_name(model);
    return !name.empty() && names.contains(std::string(name));
}

net::Task<json::array> Chains::Impl::rows(http::Dialect dialect) {
    auto const all = co_await saved();
    json::array out;
    if (all) {
        for (auto const& each : *all) {
            if (each.problems.empty()) {
                out.push_back(row_of(dialect, each.name));
            }
        }
    }
    co_return out;
}

net::Task<void> Chains::Impl::show(net::Exchange& exchange, Saved const& chain) {
    auto const description =
        chain.document.is_object()
            ? std::string(text_member(chain.document.get_object(), "description"))
            : std::string();
    json::object out{
        {"modelfile", "# A chain of Plimsoll, not a model: GET /plimsoll/v1/chains/" + chain.name},
        {"parameters", ""},
        {"template", "{{ .Prompt }}"},
        {"system", description},
        {"details", details()},
        {"model_info",
         {{"general.architecture", "chain"},
          {"general.description", description},
          {"chain.document", chain.document}}},
        {"capabilities", json::array{"completion", "thinking"}},
        {"modified_at", "1970-01-01T00:00:00Z"},
    };
    auto const sent = co_await exchange.respond(http::json_reply(200, json::serialize(out)));
    static_cast<void>(sent);
}

net::Task<void> Chains::Impl::answer(
    net::Exchange& exchange, http::Route const& route, std::string_view model, std::string_view body
) {
    auto const keep = shared_from_this();
    auto const chain = co_await saved(std::string(chain_name(model)));
    if (!chain) {
        co_await refuse(
            exchange, route, http::status_of(chain.error().code), chain.error().message
        );
        co_return;
    }
    switch (route.operation) {
        case Operation::Other: {  // GET /v1/models/chain/NAME
            auto const sent = co_await exchange.respond(
                http::json_reply(200, json::serialize(row_of(route.dialect, chain->name)))
            );
            static_cast<void>(sent);
            co_return;
        }
        case Operation::Show:
            co_await show(exchange, *chain);
            co_return;
        case Operation::Generate:
        case Operation::Chat:
        case Operation::OpenAiChat:
            co_await run_as_answer(exchange, route, *chain, std::string(model), body);
            co_return;
        default:
            co_await refuse(exchange, route, 400, why_refused(route, chain->name));
            co_return;
    }
}

net::Task<void> Chains::Impl::run_as_answer(
    net::Exchange& exchange,
    http::Route const& route,
    Saved const& chain,
    std::string model,
    std::string_view body
) {
    auto question = read_question(route.operation, body);
    if (!question) {
        co_await refuse(exchange, route, 400, question.error());
        co_return;
    }
    auto spec = chain.problems.empty() ? check(chain.document) : std::unexpected(chain.problems);
    if (!spec) {
        co_await refuse(
            exchange,
            route,
            400,
            fmt::format("chain/{} cannot be run: {}", chain.name, to_text(spec.error()))
        );
        co_return;
    }
    Spec const shape = *spec;
    auto run = begin(
        next_id(),
        {.document = chain.document,
         .spec = std::move(*spec),
         .chain = chain.name,
         .input = question->input,
         .vars = {},
         .client = exchange.peer(),
         .priority = std::string(exchange.head().fields.get("Priority").value_or("")),
         .is_async = false,
         .trace = http::read_trace_context(exchange.head().fields)},
        std::nullopt
    );
    if (!run) {
        co_await refuse(exchange, route, http::status_of(run.error().code), run.error().message);
        co_return;
    }
    ChainAnswer answer(route.operation, std::move(model), (*run)->id(), seconds_now());
    Teller teller(exchange, **run, std::move(answer), std::move(*question), shape);
    co_await teller.tell(route);
}

}  // namespace plimsoll::chain
