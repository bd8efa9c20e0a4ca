#include "chain/run/step_record.hpp"

#include "chain/spec/json_text.hpp"

#include <boost/json/parse.hpp>

#include <array>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

constexpr std::array<StepError, 5> kErrors{
    StepError::ModelManagement,
    StepError::Timeout,
    StepError::Upstream,
    StepError::Tool,
    StepError::Refused,
};

}  // namespace

std::string StepRecord::key() const {
    return place + "#" + std::to_string(execution);
}

json::object to_json(StepRecord const& record) {
    json::object out{
        {"step", record.place},
        {"execution", record.execution},
        {"name", record.name},
        {"kind", record.kind},
        {"model", record.model},
        {"output", record.output},
        {"seconds", to_seconds(record.took)},
        {"waited_seconds", to_seconds(record.waited)},
        {"load_seconds", to_seconds(record.loading)},
        {"elapsed_seconds", to_seconds(record.elapsed)},
        {"bytes", record.bytes.count()},
        {"loads", record.loads},
        {"attempts", record.attempts},
        {"failures", record.failures},
        {"tool_calls", record.tool_calls},
        {"prompt_tokens", record.prompt_tokens},
        {"tokens", record.tokens},
    };
    if (record.error) {
        out["error"] =
            json::object{{"kind", to_string(*record.error)}, {"message", record.error_text}};
    }
    if (record.breaker) {
        out["breaker"] = *record.breaker;
    }
    return out;
}

Result<StepRecord> record_from_json(std::string const& text) {
    boost::system::error_code broken;
    auto const parsed = json::parse(text, broken);
    if (broken || !parsed.is_object()) {
        return fail(Errc::Invalid, "a step's record in the state file is not JSON");
    }
    auto const& object = parsed.get_object();
    StepRecord out;
    out.place = text_member(object, "step");
    out.execution = static_cast<unsigned>(count_member(object, "execution"));
    out.name = text_member(object, "name");
    out.kind = text_member(object, "kind");
    out.model = text_member(object, "model");
    out.output = text_member(object, "output");
    out.took = from_seconds(number_member(object, "seconds"));
    out.waited = from_seconds(number_member(object, "waited_seconds"));
    out.loading = from_seconds(number_member(object, "load_seconds"));
    out.elapsed = from_seconds(number_member(object, "elapsed_seconds"));
    out.bytes = Bytes(count_member(object, "bytes"));
    out.loads = count_member(object, "loads");
    out.attempts = count_member(object, "attempts");
    out.failures = count_member(object, "failures");
    out.tool_calls = count_member(object, "tool_calls");
    out.prompt_tokens = count_member(object, "prompt_tokens");
    out.tokens = count_member(object, "tokens");
    if (object.contains("breaker")) {
        out.breaker = count_member(object, "breaker");
    }
    if (auto const* const error = object.if_contains("error"); error && error->is_object()) {
        auto const kind = text_member(error->get_object(), "kind");
        out.error = StepError::Upstream;
        for (auto const each : kErrors) {
            if (kind == to_string(each)) {
                out.error = each;
            }
        }
        out.error_text = text_member(error->get_object(), "message");
    }
    return out;
}

}  // namespace plimsoll::chain
