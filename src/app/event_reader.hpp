#pragma once
// Server-Sent Events out of pieces of any size. Pure.

#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::app {

struct ServerEvent {
    std::string name;
    std::string data;
};

class EventReader {
  public:
    void add(std::string_view piece) { buffer_ += piece; }

    // The next whole event; comments (heartbeats) are skipped.
    std::optional<ServerEvent> next();

  private:
    std::string buffer_;
};

}  // namespace plimsoll::app
