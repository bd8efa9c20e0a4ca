#pragma once
// The MCP servers of the configuration: started when they are needed, stopped when they are not,
// started again when they have died. Loop thread only.

#include <plimsoll/base/result.hpp>
#include <plimsoll/chain/config.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace plimsoll::chain {

class McpClient;

struct Tool {
    std::string name;
    std::string description;
    boost::json::object input_schema;
};

// What a tool gave, as text: its parts one after another; of a part that is no text, what it is.
struct ToolResult {
    std::string text;
    bool is_error = false;  // the tool itself says that it failed
};

class ToolServers {
  public:
    ToolServers(net::Loop& loop, std::vector<McpServerConfig> servers);
    ~ToolServers();

    [[nodiscard]] bool has(std::string const& server) const;

    // Errors: NotFound (no such server), Io (it could not be started), Timeout, UpstreamFailed (its
    // own error), UpstreamProtocol, ConnectionClosed (it died), Cancelled.
    net::Task<Result<std::vector<Tool>>> tools(std::string server, net::Canceller& canceller);
    // Also: TooLarge.
    net::Task<Result<ToolResult>> call(
        std::string server,
        std::string tool,
        boost::json::object arguments,
        net::Canceller& canceller
    );

    // For people: id, transport, state, tools as far as they are known.
    [[nodiscard]] boost::json::array view() const;
    // Keeps what did not change.
    void reconfigure(std::vector<McpServerConfig> servers);
    net::Task<void> stop();

  private:
    struct Server {
        McpServerConfig config;
        std::shared_ptr<McpClient> client;  // null: not started
    };

    Result<std::shared_ptr<McpClient>> client_of(std::string const& server);
    net::Task<Result<std::shared_ptr<McpClient>>> started(
        std::string const& server, net::Canceller& canceller
    );
    void retire(std::shared_ptr<McpClient> client);
    void watch_idle();

    net::Loop& loop_;
    std::map<std::string, Server> servers_;
    net::Timer idle_;
    bool is_stopped_ = false;
};

}  // namespace plimsoll::chain
