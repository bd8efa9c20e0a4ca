#pragma once
// One question to a model, through the proxy, so that it is scheduled as any client's.

#include <plimsoll/chain/breaker.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/http/trace_context.hpp>
#include <plimsoll/net/server.hpp>

#include <boost/json/array.hpp>

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::chain {

struct Answer {
    std::string content, thinking;
    boost::json::array tool_calls;  // as the upstream gave them
    std::uint64_t prompt_tokens = 0, tokens = 0;
    Duration waited{};  // in the queue
};

struct AskError {
    StepError kind = StepError::Upstream;
    std::string text{};
    bool may_pass = false;                  // worth another try
    bool is_unreachable = false;            // the upstream did not even answer
    std::optional<Duration> retry_after{};  // as the answer said
};

struct Question {
    std::string body;  // of POST /api/chat
    std::string client;
    std::string priority;
    http::TraceContext trace{};
    std::uint64_t max_answer = 0;  // bytes of content and thinking, together
};

// Gets each piece of text as it comes, and whether it is a thought.
using OnText = std::function<void(std::string_view text, bool is_thinking)>;

using AskProxy = std::function<net::Task<void>(net::Exchange&, engine::Engine&)>;

// A cancelled question fails as Upstream; the caller knows that it cancelled.
net::Task<std::expected<Answer, AskError>> ask(
    AskProxy const& proxy,
    engine::Engine& engine,
    net::Loop& loop,
    Question question,
    OnText on_text,
    net::Canceller& canceller
);

// How an answer of this status ends a step.
AskError error_of(unsigned status, std::string text);

}  // namespace plimsoll::chain
