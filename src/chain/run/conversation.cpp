#include "chain/run/conversation.hpp"

#include <boost/json/serialize.hpp>

#include <utility>

namespace plimsoll::chain {

namespace json = boost::json;

std::string Worker::Conversation::body(Management const& management) const {
    json::object out{{"model", use.model}, {"messages", messages}, {"stream", use.stream}};
    auto options = use.options;
    if (auto const num_ctx = num_ctx_of(management, use)) {
        options["num_ctx"] = *num_ctx;
    }
    if (!options.empty()) {
        out["options"] = std::move(options);
    }
    for (auto const& [key, value] :
         {std::pair("keep_alive", &use.keep_alive),
          std::pair("think", &use.think),
          std::pair("format", &use.format)}) {
        if (*value) {
            out[key] = **value;
        }
    }
    if (!tools.empty()) {
        out["tools"] = tools;
    }
    return json::serialize(out);
}

json::object message(std::string_view role, std::string_view content) {
    return {{"role", role}, {"content", content}};
}

}  // namespace plimsoll::chain
