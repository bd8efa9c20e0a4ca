#pragma once
// Settings of chains and of the MCP servers whose tools they may use. Values; any thread.

#include <plimsoll/base/time.hpp>
#include <plimsoll/net/tls.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::chain {

// One of `command` (its standard input and output are spoken to) and `url` (streamable HTTP).
struct McpServerConfig {
    std::string id;
    std::string command;
    std::vector<std::string> args;
    std::map<std::string, std::string> env;  // all the environment that it gets
    std::string url;
    net::TlsClientSettings tls;  // of an https url
    std::map<std::string, std::string> headers;
    Duration start_timeout = std::chrono::seconds(30);
    Duration call_timeout = std::chrono::seconds(60);
    Duration idle_timeout = std::chrono::minutes(5);  // unused for so long, it is stopped
    std::uint64_t max_result = 1U << 20;              // bytes of one result
};

struct ChainsConfig {
    std::filesystem::path directory;  // of saved chains; empty: nothing can be saved
    std::size_t max_runs = 64;        // at a time
    std::uint64_t keep_runs = 1000;   // ended ones
    Duration keep_for = std::chrono::hours(24 * 30);
    std::uint64_t max_text = 16U << 20;  // bytes of one rendered text, or of one output

    // [management]; a chain may say otherwise.
    bool initial_cleanup = false;
    bool final_cleanup = true;
    std::optional<std::uint32_t> max_loaded_models;

    std::vector<McpServerConfig> mcp_servers;
};

}  // namespace plimsoll::chain
