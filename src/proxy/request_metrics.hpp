#pragma once
// Counts requests for Prometheus, each once, at its end. Loop thread only.

#include "proxy/body_hold.hpp"
#include "proxy/call.hpp"
#include "proxy/route_label.hpp"

#include <plimsoll/metrics/registry.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::proxy {

class RequestMetrics {
  public:
    // What is told when somebody reads; both outlive this object.
    struct Watched {
        BodyPool const& bodies;
        std::uint64_t const& broken_streams;
    };

    // The registry must outlive it, and the texts of `own_paths` too.
    static std::shared_ptr<RequestMetrics> make(
        metrics::Registry& registry, std::span<std::string_view const> own_paths, Watched watched
    );
    RequestMetrics(
        metrics::Registry& registry, std::span<std::string_view const> own_paths, Watched watched
    );

    // While it lives a request is in flight.
    class InFlight {
      public:
        explicit InFlight(std::shared_ptr<RequestMetrics> metrics) : metrics_(std::move(metrics)) {
            if (metrics_) {
                ++metrics_->in_flight_;
            }
        }

        ~InFlight() {
            if (metrics_) {
                --metrics_->in_flight_;
            }
        }

        InFlight(InFlight const&) = delete;
        InFlight& operator=(InFlight const&) = delete;

      private:
        std::shared_ptr<RequestMetrics> metrics_;
    };

    // A client's request, whatever came of it.
    void ended(Call const& call);
    // One that we made ourselves.
    void ended_own(Call const& call);

  private:
    // Statuses that are counted by themselves; others by their hundred.
    static constexpr std::size_t kCodes = 40;

    struct OfRoute {
        std::array<metrics::Counter, kCodes> by_code;
        std::array<bool, kCodes> is_made{};
        metrics::Counter received, sent;
    };

    void note_first_byte(Call const& call);
    void tell(metrics::Reading& reading) const;

    metrics::Registry& registry_;
    Watched watched_;
    RouteLabels labels_;
    std::vector<std::unique_ptr<OfRoute>> routes_;  // by label; null: none came yet
    std::map<engine::Engine const*, std::map<std::string, metrics::Histogram, std::less<>>>
        first_bytes_;  // by engine and name of the model
    metrics::Counter own_requests_;
    std::int64_t in_flight_ = 0;
};

}  // namespace plimsoll::proxy
