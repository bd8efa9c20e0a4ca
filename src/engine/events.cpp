#include "engine/events.hpp"

#include <plimsoll/net/wall_clock.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace plimsoll::engine {

void EventLog::add(
    std::string_view kind,
    std::string_view model,
    std::string_view text,
    boost::json::object numbers
) {
    EngineEvent event;
    event.sequence = ++last_;
    event.upstream = upstream_;
    event.kind = kind;
    event.model = model;
    event.text = text;
    numbers["sequence"] = event.sequence;
    numbers["time"] = net::rfc3339(net::wall_now());
    numbers["upstream"] = upstream_;
    numbers["kind"] = kind;
    if (!model.empty()) {
        numbers["model"] = model;
    }
    numbers["text"] = text;
    event.json = boost::json::serialize(numbers);
    ring_.push_back(event);
    if (ring_.size() > kKept) {
        ring_.pop_front();
    }
    std::erase_if(listeners_, [](auto const& listener) { return listener.expired(); });
    // A copy: a listener may subscribe or leave while it is told.
    auto const listeners = listeners_;
    for (auto const& weak : listeners) {
        if (auto const listener = weak.lock()) {
            (*listener)(event);
        }
    }
}

std::shared_ptr<void> EventLog::subscribe(Engine::Listener listener) {
    auto handle = std::make_shared<Engine::Listener>(std::move(listener));
    listeners_.push_back(handle);
    return handle;
}

bool EventLog::has_listeners() const {
    return std::ranges::any_of(listeners_, [](auto const& listener) {
        return !listener.expired();
    });
}

std::vector<EngineEvent> EventLog::after(std::uint64_t sequence) const {
    std::vector<EngineEvent> out;
    std::ranges::copy_if(ring_, std::back_inserter(out), [&](EngineEvent const& event) {
        return event.sequence > sequence;
    });
    return out;
}

}  // namespace plimsoll::engine
