#pragma once
// The front door: decides what a request is, takes a lease where one is needed, and relays. Loop
// thread only.

#include <plimsoll/access/guard.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/http/origin.hpp>
#include <plimsoll/metrics/registry.hpp>
#include <plimsoll/net/server.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace plimsoll::proxy {

struct ProxyConfig {
    std::uint64_t max_body = 128ULL << 20;    // bytes of a body that is read whole: 413 above
    std::uint64_t max_bodies = 512ULL << 20;  // of all bodies held at once: 503 above
    std::uint64_t max_decoded = 20ULL << 20;  // a zstd body after decoding
    // A stream that waits this long in the queue gets its head, and after each further such time a
    // sign of life. Zero: never.
    Duration queue_heartbeat{};
    http::OriginPolicy origins;
    access::Policy access;
    bool has_admin_door = false;  // our own paths, health apart, are only behind that door
};

// Handles a request on one of our own paths; false if the path is not ours.
using OwnHandler = std::function<net::Task<bool>(net::Exchange&)>;

struct OwnPaths {
    OwnHandler handle;
    std::function<access::Need(http::Method method, std::string_view path)> need;
};

// What each route of the model servers needs; what is not among them needs an admin.
struct KnownNeed {
    http::Method method = http::Method::Get;
    std::string_view path;  // "{...}" stands for one part of it
    access::Need need;
};

std::vector<KnownNeed> known_needs();

class VirtualModels;

class Proxy {
  public:
    // The first engine whose upstream has the model serves it; passive requests go to the first.
    Proxy(std::vector<engine::Engine*> engines, ProxyConfig config, OwnPaths own);
    ~Proxy();

    // Models that no upstream has; null: none. It must outlive the proxy's requests.
    void use(VirtualModels* models);

    // Counts there every request at its end, by the template of its path; `own_paths` are those
    // that the OwnHandler answers, "{...}" standing for one part. Both must outlive the proxy.
    void count_into(metrics::Registry& registry, std::span<std::string_view const> own_paths);

    net::Task<void> handle(net::Exchange& exchange, access::Door door = access::Door::Public);
    // A request that we make ourselves, for a model of this engine: it is scheduled, adjusted and
    // relayed as any client's, but passes no gate, and names of virtual models mean nothing in it.
    net::Task<void> handle_own(net::Exchange& exchange, engine::Engine& engine);
    void reconfigure(ProxyConfig config);
    [[nodiscard]] std::uint64_t requests() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::proxy
