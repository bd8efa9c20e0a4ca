#pragma once
// One MCP server that is spoken to: the handshake, its tools, calls. Loop thread only.

#include "chain/tools/mcp_transport.hpp"
#include "chain/tools/tool_servers.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::chain {

class McpClient : public std::enable_shared_from_this<McpClient> {
  public:
    McpClient(net::Loop& loop, McpServerConfig config) : loop_(loop), config_(std::move(config)) {}

    // Starts or connects it and agrees on a revision; those who come meanwhile wait for the same.
    net::Task<Result<void>> ensure_started(net::Canceller& canceller);
    net::Task<Result<std::vector<Tool>>> tools(net::Canceller& canceller);
    net::Task<Result<ToolResult>> call(
        std::string tool, boost::json::object arguments, net::Canceller& canceller
    );
    net::Task<void> close();

    // It has ended, or could not be started: a new one has to be made.
    [[nodiscard]] bool is_dead() const;

    [[nodiscard]] bool is_idle() const { return users_ == 0; }

    [[nodiscard]] TimePoint last_used() const { return last_used_; }

    // "starting", "ready", "failed", "ended"
    [[nodiscard]] std::string_view state() const;

    [[nodiscard]] std::string const& server() const { return server_; }  // its name and version

    [[nodiscard]] std::optional<std::vector<Tool>> const& known_tools() const { return tools_; }

  private:
    class Use;

    net::Task<Result<void>> start();
    net::Task<void> run_start(std::shared_ptr<McpClient> keep);
    net::Task<Result<boost::json::object>> request(
        std::string method, boost::json::object params, Duration timeout, net::Canceller& canceller
    );

    net::Loop& loop_;
    McpServerConfig config_;
    std::shared_ptr<McpTransport> transport_;
    std::optional<Result<void>> started_;
    bool is_starting_ = false;
    std::vector<net::Flag*> waiting_;
    std::optional<std::vector<Tool>> tools_;
    std::string server_;
    std::uint64_t last_id_ = 0;
    std::size_t users_ = 0;
    TimePoint last_used_{};
};

}  // namespace plimsoll::chain
