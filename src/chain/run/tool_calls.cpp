// Tools in a step: offered to the model, called when it asks, or called by the step itself.

#include "chain/run/conversation.hpp"
#include "chain/spec/json_text.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

// Of {"function": {"name": ..., "arguments": {...}}}.
struct Call {
    std::string tool;
    json::object arguments;
};

Call call_of(json::value const& value) {
    Call out;
    auto const* const object = value.if_object();
    auto const* const function = object == nullptr ? nullptr : object->if_contains("function");
    if (function == nullptr || !function->is_object()) {
        return out;
    }
    out.tool = text_member(function->get_object(), "name");
    auto const* const arguments = function->get_object().if_contains("arguments");
    if (arguments != nullptr && arguments->is_object()) {
        out.arguments = arguments->get_object();
    }
    return out;
}

}  // namespace

net::Task<Result<void>> Worker::offer_tools(
    Work const& work, Conversation& conversation, net::Canceller& canceller
) {
    auto const& wanted = work.step.tools.tools;
    for (auto const& server : work.step.tools.servers) {
        auto const tools = co_await context_.tools.tools(server, canceller);
        if (!tools) {
            co_return fail(tools.error());
        }
        for (auto const& tool : *tools) {
            bool const is_wanted =
                wanted.empty() || std::ranges::find(wanted, tool.name) != wanted.end();
            if (!is_wanted || !conversation.server_of.emplace(tool.name, server).second) {
                continue;  // of two servers' tools of one name the first server's counts
            }
            conversation.tools.push_back(json::object{
                {"type", "function"},
                {"function",
                 {{"name", tool.name},
                  {"description", tool.description},
                  {"parameters", tool.input_schema}}},
            });
        }
    }
    for (auto const& name : wanted) {
        if (!conversation.server_of.contains(name)) {
            co_return fail(
                Errc::NotFound,
                fmt::format("no tool \"{}\" on {}", name, fmt::join(work.step.tools.servers, ", "))
            );
        }
    }
    co_return Result<void>();
}

// A tool that fails is told to the model, which may try otherwise.
net::Task<void> Worker::call_tools(
    Answer const& answer, Conversation& conversation, StepRecord& record, net::Canceller& canceller
) {
    auto said = message("assistant", answer.content);
    if (!answer.thinking.empty()) {
        said["thinking"] = answer.thinking;
    }
    said["tool_calls"] = answer.tool_calls;
    conversation.messages.push_back(std::move(said));
    for (auto const& value : answer.tool_calls) {
        auto call = call_of(value);
        auto const server = conversation.server_of.find(call.tool);
        std::string text;
        if (server == conversation.server_of.end()) {
            text = fmt::format("error: there is no tool \"{}\"", call.tool);
        } else {
            auto result = co_await call_tool(
                conversation.place,
                server->second,
                call.tool,
                std::move(call.arguments),
                record,
                canceller
            );
            text = !result            ? "error: " + result.error().message
                   : result->is_error ? "error: " + result->text
                                      : std::move(result->text);
        }
        auto answered = message("tool", text);
        answered["tool_name"] = call.tool;
        conversation.messages.push_back(std::move(answered));
        if (canceller.is_cancelled()) {
            co_return;
        }
    }
}

net::Task<Result<ToolResult>> Worker::call_tool(
    std::string const& place,
    std::string server,
    std::string tool,
    json::object arguments,
    StepRecord& record,
    net::Canceller& canceller
) {
    auto const began = context_.loop.now();
    ++record.tool_calls;
    json::object event{
        {"step", place}, {"server", server}, {"tool", tool}, {"arguments", arguments}
    };
    auto result = co_await context_.tools.call(server, tool, std::move(arguments), canceller);
    event["seconds"] = to_seconds(context_.loop.now() - began);
    if (!result) {
        event["error"] = result.error().message;
    } else if (result->is_error) {
        event["error"] = printable(result->text, 2000);
    } else {
        event["bytes"] = result->text.size();
    }
    if (context_.tools.has(server)) {
        context_.metrics.tool_called(server, result && !result->is_error);
    }
    context_.log.add("tool_call", std::move(event));
    co_return result;
}

net::Task<Worker::Outcome> Worker::tool(
    Work const& work, StepRecord& record, net::Canceller& canceller
) {
    record.attempts = 1;
    auto result = co_await call_tool(
        work.place, work.step.server, work.step.tool, work.arguments, record, canceller
    );
    if (!result || result->is_error) {
        co_return std::unexpected(Failure{
            .kind = StepError::Tool,
            .text = fmt::format(
                "{}: {} of {}: {}",
                to_string(StepError::Tool),
                work.step.tool,
                work.step.server,
                result ? printable(result->text, 2000) : result.error().message
            ),
        });
    }
    co_return std::move(result->text);
}

}  // namespace plimsoll::chain
