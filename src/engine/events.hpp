#pragma once
// The last decisions, and who listens to them. Loop thread only.

#include <plimsoll/engine/engine.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::engine {

class EventLog {
  public:
    explicit EventLog(std::string upstream) : upstream_(std::move(upstream)) {}

    // `numbers` are the members that belong to this kind; sequence, time,
    // upstream, kind, model and text are added.
    void add(
        std::string_view kind,
        std::string_view model,
        std::string_view text,
        boost::json::object numbers = {}
    );
    [[nodiscard]] std::shared_ptr<void> subscribe(Engine::Listener listener);
    [[nodiscard]] bool has_listeners() const;
    [[nodiscard]] std::vector<EngineEvent> after(std::uint64_t sequence) const;

  private:
    static constexpr std::size_t kKept = 1000;

    std::string upstream_;
    std::uint64_t last_ = 0;
    std::deque<EngineEvent> ring_;
    std::vector<std::weak_ptr<Engine::Listener>> listeners_;
};

}  // namespace plimsoll::engine
