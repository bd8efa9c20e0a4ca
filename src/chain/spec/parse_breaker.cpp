#include "chain/spec/parse_breaker.hpp"

#include <boost/json/object.hpp>
#include <spdlog/fmt/fmt.h>

namespace plimsoll::chain {

namespace {

constexpr std::int64_t kMostTimes = 100;

using Kind = BreakerAction::Kind;

// "KEY": true says the same as an empty object.
bool is_plain(boost::json::value const& value, Reader& then, std::string_view key) {
    if (value.is_bool() && !value.get_bool()) {
        then.note(key, "is false; leave it out instead");
    }
    return value.is_bool();
}

// "stop": true, or {"output": TEXT}
void stop(
    boost::json::value const& value,
    Reader& then,
    BreakerAction& out,
    std::vector<Problem>& problems
) {
    out.kind = Kind::Stop;
    if (is_plain(value, then, "stop")) {
        return;
    }
    Reader reader(value, pointer_to(then.pointer(), "stop"), problems);
    out.output = parse_template(reader, "output", problems);
    reader.finish();
}

// "retry": true, or {"model": ..., "instruction": ...}
void retry(
    boost::json::value const& value,
    Reader& then,
    BreakerAction& out,
    std::vector<Problem>& problems
) {
    out.kind = Kind::Retry;
    if (is_plain(value, then, "retry")) {
        return;
    }
    Reader reader(value, pointer_to(then.pointer(), "retry"), problems);
    if (auto const* const model = reader.find("model")) {
        out.model = parse_model(*model, pointer_to(reader.pointer(), "model"), problems);
    }
    out.instruction = parse_template(reader, "instruction", problems);
    reader.finish();
}

BreakerAction parse_action(
    boost::json::value const& value, std::string const& pointer, std::vector<Problem>& problems
) {
    BreakerAction out;
    Reader then(value, pointer, problems);
    auto const* const stops = then.find("stop");
    auto const* const retries = then.find("retry");
    auto jump = then.text("jump");
    if (stops != nullptr) {
        stop(*stops, then, out, problems);
    }
    if (retries != nullptr) {
        retry(*retries, then, out, problems);
    }
    if (jump) {
        out.kind = Kind::Jump;
        out.step = std::move(*jump);
    }
    out.at_most = static_cast<unsigned>(then.whole("at_most", 1, kMostTimes).value_or(1));
    then.finish();
    int const found =
        (then.has("stop") ? 1 : 0) + (then.has("retry") ? 1 : 0) + (then.has("jump") ? 1 : 0);
    if (found != 1 && value.is_object()) {
        then.note("wants one of stop, jump and retry");
    }
    return out;
}

}  // namespace

Breaker parse_breaker(
    boost::json::value const& value, std::string const& pointer, std::vector<Problem>& problems
) {
    Breaker out;
    Reader reader(value, pointer, problems);
    if (auto const* const when = reader.find("when")) {
        out.when = parse_condition(*when, pointer_to(pointer, "when"), problems);
    } else if (value.is_object()) {
        reader.note("lacks when, the condition");
    }
    if (auto const* const then = reader.find("then")) {
        out.then = parse_action(*then, pointer_to(pointer, "then"), problems);
    } else if (value.is_object()) {
        reader.note("lacks then: stop, jump or retry");
    }
    reader.finish();
    return out;
}

}  // namespace plimsoll::chain
