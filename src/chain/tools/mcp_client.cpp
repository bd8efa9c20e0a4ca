#include "chain/tools/mcp_client.hpp"

#include "chain/run/run_context.hpp"
#include "chain/spec/json_text.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

// Newest first; what is asked for is the first. An older server answers with its own.
constexpr std::array<std::string_view, 4> kRevisions{
    "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"
};
constexpr int kMethodNotFound = -32601;
constexpr std::size_t kMostPages = 100;  // of a list of tools
constexpr std::size_t kMostTools = 1000;

std::string text_of(json::object const& object, std::string_view key) {
    return std::string(text_member(object, key));
}

json::object object_of(json::object const& object, std::string_view key) {
    auto const* const value = object.if_contains(key);
    return value == nullptr || !value->is_object() ? json::object() : value->get_object();
}

std::unexpected<Error> protocol(std::string const& id, std::string_view what) {
    return fail(
        Errc::UpstreamProtocol, fmt::format("tool server {}: {}", id, what), ErrorSource::Upstream
    );
}

// One part of a result as text.
std::string part_text(json::object const& part) {
    auto const type = text_of(part, "type");
    if (type == "text") {
        return text_of(part, "text");
    }
    if (type == "resource") {
        auto const resource = object_of(part, "resource");
        auto text = text_of(resource, "text");
        return text.empty() ? fmt::format("[resource {}]", text_of(resource, "uri")) : text;
    }
    if (type == "resource_link") {
        return fmt::format("[resource {}]", text_of(part, "uri"));
    }
    return fmt::format(
        "[{} {}, {} bytes in base64]", type, text_of(part, "mimeType"), text_of(part, "data").size()
    );
}

}  // namespace

json::object cancelled_notification(std::uint64_t id, std::string_view reason) {
    return {
        {"jsonrpc", "2.0"},
        {"method", "notifications/cancelled"},
        {"params", {{"requestId", id}, {"reason", reason}}},
    };
}

json::object answer_to_server(json::object const& request) {
    json::object out{{"jsonrpc", "2.0"}, {"id", request.at("id")}};
    if (text_of(request, "method") == "ping") {
        out["result"] = json::object();
    } else {
        out["error"] = json::object{
            {"code", kMethodNotFound}, {"message", "this client offers nothing of the kind"}
        };
    }
    return out;
}

std::uint64_t progress_of(json::object const& message) {
    return text_of(message, "method") == "notifications/progress"
               ? id_of(object_of(message, "params"), "progressToken")
               : 0;
}

std::unexpected<Error> too_late(std::string const& server, Duration timeout) {
    return fail(
        Errc::Timeout,
        fmt::format(
            "tool server {} did not answer within {}; ask it for less, or raise call_timeout "
            "(start_timeout if it is slow to start) of [[mcp_server]]",
            server,
            format_duration(timeout)
        ),
        ErrorSource::Upstream
    );
}

std::uint64_t id_of(json::object const& message, std::string_view key) {
    auto const* const value = message.if_contains(key);
    if (value == nullptr || !value->is_number()) {
        return 0;
    }
    auto const number = value->to_number<double>();
    return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

// Counts who is using it, so that it is not stopped under them.
class McpClient::Use {
  public:
    explicit Use(McpClient& client) : client_(client) { ++client_.users_; }

    ~Use() {
        --client_.users_;
        client_.last_used_ = client_.loop_.now();
    }

    Use(Use const&) = delete;
    Use& operator=(Use const&) = delete;

  private:
    McpClient& client_;
};

bool McpClient::is_dead() const {
    return started_ && (!*started_ || !transport_->is_alive());
}

std::string_view McpClient::state() const {
    if (!started_) {
        return "starting";
    }
    if (!*started_) {
        return "failed";
    }
    return transport_->is_alive() ? "ready" : "ended";
}

net::Task<Result<json::object>> McpClient::request(
    std::string method, json::object params, Duration timeout, net::Canceller& canceller
) {
    auto const id = ++last_id_;
    json::object message{
        {"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}
    };
    auto response = co_await transport_->exchange(std::move(message), id, timeout, canceller);
    if (!response) {
        co_return fail(std::move(response.error()));
    }
    if (auto const* const error = response->if_contains("error"); error && error->is_object()) {
        co_return fail(
            Errc::UpstreamFailed,
            fmt::format(
                "tool server {}: {}: {}",
                config_.id,
                method,
                printable(text_of(error->get_object(), "message"), 2000)
            ),
            ErrorSource::Upstream
        );
    }
    auto* const result = response->if_contains("result");
    if (result == nullptr || !result->is_object()) {
        co_return protocol(config_.id, method + ": the response has no result");
    }
    co_return std::move(result->get_object());
}

net::Task<Result<void>> McpClient::ensure_started(net::Canceller& canceller) {
    auto const keep = shared_from_this();
    if (!started_ && !std::exchange(is_starting_, true)) {
        // Not by whoever came first: it may leave, and others wait for the same.
        loop_.spawn("start tool server " + config_.id, run_start(keep));
    }
    if (!started_) {
        net::Flag flag(loop_);
        waiting_.push_back(&flag);
        auto const woken = co_await flag.wait(std::nullopt, &canceller);
        std::erase(waiting_, &flag);
        if (!woken) {
            co_return woken;
        }
    }
    co_return *started_;
}

net::Task<void> McpClient::run_start(std::shared_ptr<McpClient> keep) {
    auto result = co_await start();
    if (!result) {
        kLog.warning(result.error().message);
        if (transport_) {
            co_await transport_->close();
        }
    }
    started_ = std::move(result);
    last_used_ = loop_.now();
    for (auto* const flag : waiting_) {
        flag->set();
    }
}

net::Task<Result<void>> McpClient::start() {
    auto opened = config_.url.empty() ? start_stdio(loop_, config_) : open_http(loop_, config_);
    if (!opened) {
        co_return fail(std::move(opened.error()));
    }
    transport_ = std::move(*opened);
    transport_->listen([weak = weak_from_this()](std::string_view method) {
        auto const self = weak.lock();
        if (self && method == "notifications/tools/list_changed") {
            self->tools_.reset();  // asked for anew when they are needed
        }
    });
    net::Canceller nobody;
    json::object params{
        {"protocolVersion", kRevisions.front()},
        {"capabilities", json::object()},
        {"clientInfo", {{"name", "plimsoll"}, {"version", "0.1"}}},
    };
    auto const result =
        co_await request("initialize", std::move(params), config_.start_timeout, nobody);
    if (!result) {
        co_return fail(result.error());
    }
    auto revision = text_of(*result, "protocolVersion");
    if (std::ranges::find(kRevisions, revision) == kRevisions.end()) {
        co_return protocol(
            config_.id,
            fmt::format(
                "it speaks revision {} of the protocol; known are {}",
                printable(revision, 40),
                fmt::join(kRevisions, ", ")
            )
        );
    }
    auto const info = object_of(*result, "serverInfo");
    server_ = printable(text_of(info, "name") + " " + text_of(info, "version"), 200);
    transport_->set_revision(revision);
    co_await transport_->notify({{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}});
    kLog.info(
        "tool server " + config_.id + " is ready",
        {{"server", std::string_view(server_)}, {"revision", std::string_view(revision)}}
    );
    co_return Result<void>();
}

net::Task<Result<std::vector<Tool>>> McpClient::tools(net::Canceller& canceller) {
    auto const keep = shared_from_this();
    Use const use(*this);
    if (tools_) {
        co_return *tools_;
    }
    std::vector<Tool> out;
    std::string cursor;
    for (std::size_t page = 0; page < kMostPages && out.size() < kMostTools; ++page) {
        json::object params;
        if (!cursor.empty()) {
            params["cursor"] = cursor;
        }
        auto const result =
            co_await request("tools/list", std::move(params), config_.call_timeout, canceller);
        if (!result) {
            co_return fail(result.error());
        }
        auto const* const list = result->if_contains("tools");
        if (list == nullptr || !list->is_array()) {
            co_return protocol(config_.id, "tools/list: the result has no tools");
        }
        for (auto const& each : list->get_array()) {
            if (each.is_object() && !text_of(each.get_object(), "name").empty()) {
                auto const& tool = each.get_object();
                out.push_back(
                    {text_of(tool, "name"),
                     text_of(tool, "description"),
                     object_of(tool, "inputSchema")}
                );
            }
        }
        cursor = text_of(*result, "nextCursor");
        if (cursor.empty()) {
            break;
        }
    }
    tools_ = out;
    co_return out;
}

net::Task<Result<ToolResult>> McpClient::call(
    std::string tool, json::object arguments, net::Canceller& canceller
) {
    auto const keep = shared_from_this();
    Use const use(*this);
    json::object params{
        {"name", tool},
        {"arguments", std::move(arguments)},
        {"_meta", {{"progressToken", last_id_ + 1}}},
    };
    auto const result =
        co_await request("tools/call", std::move(params), config_.call_timeout, canceller);
    if (!result) {
        co_return fail(result.error());
    }
    ToolResult out;
    auto const* const is_error = result->if_contains("isError");
    out.is_error = is_error != nullptr && is_error->is_bool() && is_error->get_bool();
    if (auto const* const content = result->if_contains("content");
        content && content->is_array()) {
        for (auto const& part : content->get_array()) {
            if (part.is_object()) {
                out.text += (out.text.empty() ? "" : "\n") + part_text(part.get_object());
            }
        }
    }
    if (out.text.size() > config_.max_result) {
        co_return fail(
            Errc::TooLarge,
            fmt::format(
                "tool server {}: the result of {} has {} bytes, and may have {}; ask it for less, "
                "or raise max_result of [[mcp_server]]",
                config_.id,
                tool,
                out.text.size(),
                config_.max_result
            ),
            ErrorSource::Upstream
        );
    }
    co_return out;
}

net::Task<void> McpClient::close() {
    auto const keep = shared_from_this();
    if (transport_) {
        co_await transport_->close();
    }
}

}  // namespace plimsoll::chain
