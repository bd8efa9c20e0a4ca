#include <plimsoll/trace/recording.hpp>

#include "trace/encode.hpp"
#include "trace/format.hpp"
#include <boost/json/serialize.hpp>

namespace plimsoll::trace {

namespace json = boost::json;

namespace {

std::string line_of(json::object const& object) {
    return json::serialize(object) + "\n";
}

}  // namespace

std::string RecordingWriter::header_line() const {
    Encoder const encoder{header_.origin, {}};
    json::array pools;
    for (Pool const& pool : header_.pools) {
        pools.push_back(json::object{{"name", pool.name}, {"config", encoder.value(pool.config)}});
    }
    return line_of(
        {{"format", kFormat},
         {"version", kVersion},
         {"plimsoll", header_.plimsoll},
         {"started", header_.started},
         {"origin", header_.origin.time_since_epoch().count()},
         {"pools", std::move(pools)}}
    );
}

std::string RecordingWriter::step_line(Step const& step) {
    Encoder const encoder{header_.origin, [this](std::string const& name) {
                              return hashed_name(name, salt_);
                          }};
    if (auto const* const pin = std::get_if<core::PinSet>(&step.event)) {
        owners_.try_emplace(pin->owner, hashed_name(pin->owner, salt_));
    }
    json::array actions;
    for (core::Action const& action : step.actions) {
        auto const* const notice = std::get_if<core::Notice>(&action);
        if (notice != nullptr && !owners_.empty()) {
            core::Notice hidden = *notice;
            hide_owners(hidden.text);
            actions.push_back(encoder.tagged(core::Action(std::move(hidden))));
        } else {
            actions.push_back(encoder.tagged(action));
        }
    }
    ++steps_;
    return line_of(
        {{"at", offset_of(step.at, header_.origin)},
         {"pool", header_.pools.at(step.pool).name},
         {"event", encoder.tagged(step.event)},
         {"actions", std::move(actions)}}
    );
}

std::string RecordingWriter::end_line() const {
    return line_of({{"end", steps_}});
}

// A notice about a pin names its owner, who is a client: "pin of gemma3:4b by 10.0.0.7 dropped".
void RecordingWriter::hide_owners(std::string& text) const {
    for (auto const& [owner, hash] : owners_) {
        std::string const wanted = " by " + owner + " ";
        auto const at = text.find(wanted);
        if (at != std::string::npos) {
            text.replace(at, wanted.size(), " by " + hash + " ");
            return;
        }
    }
}

std::string_view kind_of(core::Event const& event) {
    return std::visit([]<class T>(T const&) { return Kind<T>::name; }, event);
}

std::string_view kind_of(core::Action const& action) {
    return std::visit([]<class T>(T const&) { return Kind<T>::name; }, action);
}

std::string action_text(core::Action const& action, TimePoint origin) {
    return json::serialize(Encoder{origin, {}}.tagged(action));
}

std::string_view reason_of(core::Action const& action) {
    return std::visit(
        [](auto const& each) -> std::string_view {
            if constexpr (requires { each.reason; }) {
                return each.reason;
            } else if constexpr (requires { each.text; }) {
                return each.text;
            } else {
                return {};
            }
        },
        action
    );
}

}  // namespace plimsoll::trace
