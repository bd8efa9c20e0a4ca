// What a model would take, without loading it.

#include "control/impl.hpp"
#include "control/request_json.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <array>
#include <limits>

namespace plimsoll::control {
namespace {

namespace json = boost::json;
using namespace std::string_view_literals;

std::unexpected<Error> bad(std::string text) {
    return fail(Errc::BadRequest, std::move(text), ErrorSource::Client);
}

Result<std::optional<std::int64_t>> count_member(
    json::object const& body, std::string_view name, std::int64_t least
) {
    auto number = integer_member(body, name);
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    if (number && *number && (**number < least || **number > kMost)) {
        return bad(fmt::format("\"{}\" must be {} to {}, not {}", name, least, kMost, **number));
    }
    return number;
}

// A word of a list, by the function that knows the list.
template <class Value>
Result<std::optional<Value>> word_member(
    json::object const& body,
    std::string_view name,
    std::optional<Value> (*parse)(std::string_view),
    std::string_view words
) {
    auto const text = string_member(body, name);
    if (!text) {
        return fail(text.error());
    }
    if (!*text) {
        return std::optional<Value>();
    }
    auto const value = parse(**text);
    if (!value) {
        return bad(fmt::format("\"{}\" must be {}, not \"{}\"", name, words, printable(**text, 40))
        );
    }
    return value;
}

// Bytes as a number or as "8GiB"; "budget" or nothing: the budget.
Result<std::optional<Bytes>> fit_member(json::object const& body) {
    auto const* value = body.if_contains("fit");
    if (value == nullptr || value->is_null()) {
        return std::optional<Bytes>();
    }
    constexpr std::int64_t kMost = std::int64_t{1} << 53;  // as far as JSON's numbers are exact
    if (auto const bytes = whole_number(*value); bytes && *bytes >= 0 && *bytes <= kMost) {
        return std::optional(Bytes(static_cast<std::uint64_t>(*bytes)));
    }
    if (value->is_string()) {
        std::string_view const text = value->get_string();
        auto const bytes = parse_bytes(text);
        if (bytes || text == "budget") {
            return bytes;
        }
    }
    return bad(R"("fit" must be a size as 8589934592, "8GiB" or "budget")");
}

template <class Value>
bool take(Result<Value> from, Value& into, std::optional<Error>& error) {
    if (!from) {
        error = from.error();
        return false;
    }
    into = std::move(*from);
    return true;
}

Result<engine::EstimateRequest> read_request(json::object const& body, std::string model) {
    engine::EstimateRequest out;
    out.model = std::move(model);
    std::optional<Error> error;
    bool const is_right =
        take(count_member(body, "num_ctx", 1), out.num_ctx, error) &&
        take(count_member(body, "num_batch", 1), out.num_batch, error) &&
        take(count_member(body, "parallel", 1), out.parallel, error) &&
        take(count_member(body, "draft_num_predict", 0), out.draft_num_predict, error) &&
        take(
            word_member(
                body,
                "kv_cache_type",
                &memory::parse_kv_type,
                "\"f16\", \"q8_0\", \"q4_0\" or \"f32\""
            ),
            out.kv_type,
            error
        ) &&
        take(
            word_member(
                body,
                "flash_attention",
                &memory::parse_flash_attention,
                "\"auto\", \"on\" or \"off\""
            ),
            out.flash_attention,
            error
        ) &&
        take(fit_member(body), out.fit, error);
    return is_right ? Result<engine::EstimateRequest>(std::move(out)) : fail(std::move(*error));
}

json::value samples_json(memory::Samples const& samples) {
    if (samples.count == 0) {
        return nullptr;
    }
    return json::object{
        {"count", samples.count},
        {"mean", samples.mean},
        {"spread", samples.spread()},
        {"largest", samples.largest}
    };
}

json::value measured_json(engine::EstimateAnswer const& answer) {
    if (answer.measured.is_zero()) {
        return nullptr;
    }
    return json::object{
        {"bytes", answer.measured.count()},
        {"count", answer.sizes.bytes.count},
        {"mean", answer.sizes.bytes.mean},
        {"spread", answer.sizes.bytes.spread()},
        {"certain", answer.sizes.are_certain()}
    };
}

}  // namespace

net::Task<void> Control::Impl::estimate(net::Exchange& exchange) {
    static constexpr std::array kMembers{
        "model"sv,
        "num_ctx"sv,
        "num_batch"sv,
        "parallel"sv,
        "kv_cache_type"sv,
        "flash_attention"sv,
        "draft_num_predict"sv,
        "fit"sv,
        "upstream"sv
    };
    auto const body = co_await read_object(exchange, kMembers);
    if (!body) {
        co_await respond_error(exchange, body.error());
        co_return;
    }
    // Read first: a wrong number is said before the upstream is asked for the model.
    auto request = read_request(*body, {});
    if (!request) {
        co_await respond_error(exchange, request.error());
        co_return;
    }
    auto call = co_await model_call(exchange, *body);
    if (!call) {
        co_return;
    }
    request->model = call->request.model;
    auto const answer = co_await call->engine.estimate(std::move(*request));
    if (!answer) {
        co_await respond_error(exchange, answer.error());
        co_return;
    }
    json::object out = memory::to_json(answer->estimate);
    out["model"] = answer->model;
    out["upstream"] = call->engine.provider().config().name;
    out["budget_bytes"] = answer->budget.count();
    out["measured"] = measured_json(*answer);
    out["calibration"] = json::object{
        {"ratio", samples_json(answer->ratios)}, {"process", samples_json(answer->process)}
    };
    co_await respond_json(exchange, 200, out);
}

}  // namespace plimsoll::control
