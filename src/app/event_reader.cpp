#include "app/event_reader.hpp"

#include <plimsoll/base/text.hpp>

namespace plimsoll::app {
namespace {

// "event: loaded" to "loaded"; nullopt if the line is of another field.
std::optional<std::string_view> value_of(std::string_view line, std::string_view field) {
    if (!line.starts_with(field) || line.substr(field.size(), 1) != ":") {
        return std::nullopt;
    }
    auto value = line.substr(field.size() + 1);
    if (value.starts_with(' ')) {
        value.remove_prefix(1);
    }
    return value;
}

}  // namespace

std::optional<ServerEvent> EventReader::next() {
    for (;;) {
        auto const end = buffer_.find("\n\n");
        if (end == std::string::npos) {
            return std::nullopt;
        }
        ServerEvent event;
        for (auto const line : split(std::string_view(buffer_).substr(0, end), '\n')) {
            if (auto const name = value_of(line, "event")) {
                event.name = *name;
            } else if (auto const data = value_of(line, "data")) {
                event.data += *data;
            }
        }
        buffer_.erase(0, end + 2);
        if (!event.data.empty()) {
            return event;
        }
    }
}

}  // namespace plimsoll::app
