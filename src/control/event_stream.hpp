#pragma once
// Events on their way to one reader of GET /plimsoll/v1/events: bounded, so that a reader who
// stalls costs no memory; what he missed he is told as a number. Loop thread only.

#include <plimsoll/engine/engine.hpp>
#include <plimsoll/net/server.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::control {

// Sequence numbers count per engine, so an id names the last one of each: "17" or, with two
// upstreams, "17,4".
std::string event_id(std::vector<std::uint64_t> const& sequences);
// nullopt: not an id for that many engines.
std::optional<std::vector<std::uint64_t>> parse_event_id(
    std::string_view text, std::size_t engines
);

class EventBuffer {
  public:
    static constexpr std::size_t kMaxBytes = 256 * 1024;

    explicit EventBuffer(std::vector<std::uint64_t> sequences) : sequences_(std::move(sequences)) {}

    void add(std::size_t engine, engine::EngineEvent const& event);

    [[nodiscard]] bool is_empty() const { return lines_.empty(); }

    // Everything so far, as Server-Sent Events.
    std::string take();

  private:
    std::vector<std::uint64_t> sequences_;
    std::deque<std::string> lines_;
    std::size_t bytes_ = 0;
    std::uint64_t dropped_ = 0;
};

// What an open stream shares with the engines' listeners.
struct EventReader {
    EventReader(net::Loop& loop, std::vector<std::uint64_t> sequences)
        : news(loop), buffer(std::move(sequences)) {}

    net::Flag news;
    EventBuffer buffer;
};

}  // namespace plimsoll::control
