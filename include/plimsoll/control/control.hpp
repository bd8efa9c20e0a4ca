#pragma once
// The control API: /healthz, /readyz, /metrics and /plimsoll/v1. Loop thread only.

#include <plimsoll/access/guard.hpp>
#include <plimsoll/base/bytes.hpp>
#include <plimsoll/chain/chains.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/metrics/registry.hpp>
#include <plimsoll/net/server.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::control {

// What the process itself takes from the system.
struct ProcessUse {
    Bytes resident;
    std::size_t open_files = 0;  // sockets included
};

struct ControlContext {
    std::vector<engine::Engine*> engines;
    std::string version;
    std::function<bool()> is_draining;
    std::function<ProcessUse()> process_use{};
    chain::Chains* chains = nullptr;
    metrics::Registry* metrics = nullptr;  // what /metrics answers; null: there is none
};

class Control {
  public:
    explicit Control(ControlContext context);
    ~Control();

    // Templates of all paths, each once; "{...}" stands for one part.
    static std::span<std::string_view const> paths();

    // False if the path is not one of ours.
    net::Task<bool> handle(net::Exchange& exchange);

    // What a request on one of our own paths needs; of what is no endpoint: the most.
    static access::Need need_of(http::Method method, std::string_view path);

    struct Endpoint {
        http::Method method = http::Method::Get;
        std::string_view path;  // "{...}" stands for one part of it
        access::Need need;
    };

    static std::vector<Endpoint> endpoints();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::control
