#include "chain/tools/tool_servers.hpp"

#include "chain/run/run_context.hpp"
#include "chain/tools/mcp_client.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

net::Task<void> close(std::shared_ptr<McpClient> client) {
    co_await client->close();
}

bool is_same(McpServerConfig const& a, McpServerConfig const& b) {
    return a.command == b.command && a.args == b.args && a.env == b.env && a.url == b.url &&
           a.headers == b.headers && a.start_timeout == b.start_timeout &&
           a.call_timeout == b.call_timeout && a.idle_timeout == b.idle_timeout &&
           a.max_result == b.max_result;
}

}  // namespace

ToolServers::ToolServers(net::Loop& loop, std::vector<McpServerConfig> servers)
    : loop_(loop), idle_(loop, false) {
    reconfigure(std::move(servers));
}

ToolServers::~ToolServers() = default;

bool ToolServers::has(std::string const& server) const {
    return servers_.contains(server);
}

Result<std::shared_ptr<McpClient>> ToolServers::client_of(std::string const& server) {
    auto const found = servers_.find(server);
    if (found == servers_.end()) {
        return fail(
            Errc::NotFound, fmt::format("no MCP server \"{}\" is configured", printable(server, 80))
        );
    }
    if (is_stopped_) {
        return fail(Errc::Draining, "Plimsoll is shutting down");
    }
    auto& entry = found->second;
    if (entry.client && entry.client->is_dead()) {
        kLog.warning("tool server " + server + " has ended; starting it again");
        retire(std::exchange(entry.client, nullptr));
    }
    if (!entry.client) {
        entry.client = std::make_shared<McpClient>(loop_, entry.config);
    }
    watch_idle();
    return entry.client;
}

void ToolServers::retire(std::shared_ptr<McpClient> client) {
    if (client) {
        loop_.spawn("stop a tool server", close(std::move(client)));
    }
}

net::Task<Result<std::shared_ptr<McpClient>>> ToolServers::started(
    std::string const& server, net::Canceller& canceller
) {
    auto client = client_of(server);
    if (client) {
        auto const ready = co_await (*client)->ensure_started(canceller);
        if (!ready) {
            co_return fail(ready.error());
        }
    }
    co_return client;
}

net::Task<Result<std::vector<Tool>>> ToolServers::tools(
    std::string server, net::Canceller& canceller
) {
    for (bool is_again = false;; is_again = true) {
        auto const client = co_await started(server, canceller);
        if (!client) {
            co_return fail(client.error());
        }
        auto tools = co_await (*client)->tools(canceller);
        if (tools || is_again || tools.error().code != Errc::UpstreamUnavailable) {
            co_return tools;
        }
    }
}

net::Task<Result<ToolResult>> ToolServers::call(
    std::string server, std::string tool, json::object arguments, net::Canceller& canceller
) {
    for (bool is_again = false;; is_again = true) {
        auto const client = co_await started(server, canceller);
        if (!client) {
            co_return fail(client.error());
        }
        auto result = co_await (*client)->call(tool, arguments, canceller);
        // It has ended since it was used last, and has done nothing: it is started again.
        if (result || is_again || result.error().code != Errc::UpstreamUnavailable) {
            co_return result;
        }
    }
}

void ToolServers::watch_idle() {
    std::optional<TimePoint> next;
    for (auto& [id, entry] : servers_) {
        if (!entry.client) {
            continue;
        }
        auto const until = entry.client->last_used() + entry.config.idle_timeout;
        bool const is_over =
            entry.client->is_idle() && entry.client->state() != "starting" && until <= loop_.now();
        if (is_over) {
            kLog.info("stopping tool server " + id + ": nobody used it", {});
            retire(std::exchange(entry.client, nullptr));
        } else {
            auto const look = std::max(until, loop_.now() + std::chrono::seconds(1));
            next = next ? std::min(*next, look) : look;
        }
    }
    if (next) {
        idle_.arm(*next, [this] { watch_idle(); });
    }
}

json::array ToolServers::view() const {
    json::array out;
    for (auto const& [id, entry] : servers_) {
        json::object row{
            {"id", id},
            {"transport", entry.config.url.empty() ? "stdio" : "http"},
            {"state", entry.client ? json::value(entry.client->state()) : json::value("stopped")},
            {"server", entry.client ? json::value(entry.client->server()) : json::value(nullptr)},
        };
        json::array tools;
        if (entry.client && entry.client->known_tools()) {
            for (auto const& tool : *entry.client->known_tools()) {
                tools.emplace_back(tool.name);
            }
        }
        row["tools"] = std::move(tools);
        out.push_back(std::move(row));
    }
    return out;
}

void ToolServers::reconfigure(std::vector<McpServerConfig> servers) {
    std::map<std::string, Server> next;
    for (auto& config : servers) {
        auto const known = servers_.find(config.id);
        bool const stays = known != servers_.end() && is_same(known->second.config, config);
        auto client = stays ? std::move(known->second.client) : nullptr;
        auto id = config.id;
        next.emplace(std::move(id), Server{std::move(config), std::move(client)});
    }
    for (auto& [id, entry] : servers_) {
        retire(std::move(entry.client));
    }
    servers_ = std::move(next);
}

net::Task<void> ToolServers::stop() {
    is_stopped_ = true;
    idle_.cancel();
    for (auto& [id, entry] : servers_) {
        if (auto const client = std::exchange(entry.client, nullptr)) {
            co_await client->close();
        }
    }
}

}  // namespace plimsoll::chain
