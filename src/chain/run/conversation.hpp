#pragma once
// What is said to one model in one step. Loop thread only.

#include "chain/run/prompt.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <map>
#include <string>
#include <string_view>

namespace plimsoll::chain {

struct Worker::Conversation {
    std::string place;
    ModelUse const& use;
    engine::Engine& engine;
    boost::json::array messages;
    boost::json::array tools;                      // as the upstream wants them
    std::map<std::string, std::string> server_of;  // by a tool's name

    // Of POST /api/chat.
    [[nodiscard]] std::string body(Management const& management) const;
};

// {"role": ..., "content": ...}
boost::json::object message(std::string_view role, std::string_view content);

}  // namespace plimsoll::chain
