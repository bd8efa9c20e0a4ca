#pragma once
// The simulator's scheduler on a time that the test moves, with the built-in models.

#include "sim/scheduler.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace plimsoll::test {

struct Asked {
    sim::TicketId id = 0;
    bool is_answered = false;
    sim::Grant grant;
    bool has_slot = false;

    [[nodiscard]] bool is_granted() const { return is_answered && grant.status == 200; }
};

struct SchedulerWorld {
    explicit SchedulerWorld(
        Bytes vram = gibibytes(24), unsigned max_loaded = 3, unsigned parallel = 1
    );

    static sim::ModelPtr model(std::string_view name);
    // A request with that body ("keep_alive", "options").
    std::shared_ptr<Asked> ask(std::string_view model_name, std::string_view body = "{}");
    // The same, and lets it finish as soon as it is granted.
    void load(std::string_view model_name, std::string_view body = "{}");

    void finish(Asked const& asked) { scheduler.finish(asked.id, now); }

    void slot(Asked& asked);

    void unload(std::string_view model_name) {
        scheduler.expire(model(model_name)->weights->blob, now);
    }

    // Moves time from event to event.
    void pass(double seconds);
    [[nodiscard]] std::string rows() const;  // "a:1 b:2"

    sim::SchedulerConfig config;
    sim::Books books;
    sim::Scheduler scheduler;
    TimePoint now{};
};

}  // namespace plimsoll::test
