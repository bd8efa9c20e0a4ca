#pragma once
// The cards of this host: found once at the start, reported once.

#include <plimsoll/config/config.hpp>
#include <plimsoll/probe/probe.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::app {

struct LocalDevice {
    std::shared_ptr<probe::MemoryProbe> probe;  // null: no driver tells
    std::vector<probe::Card> cards;             // as found

    [[nodiscard]] std::vector<Bytes> totals() const;
    [[nodiscard]] std::vector<std::string> names() const;
    // The same for the same cards after a restart; empty: none.
    [[nodiscard]] std::string id() const;
};

// Says in the log what there is, and what does not work.
LocalDevice find_device(config::Config const& config);

// Whether this upstream's models lie on this host's cards.
bool is_local(upstream::UpstreamConfig const& upstream);

}  // namespace plimsoll::app
