#pragma once
// Watches one scheduler from outside: keeps books of its own from events and actions and compares
// after every event.

#include <plimsoll/core/scheduler.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace plimsoll::test {

struct InvariantBroken : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Checker {
  public:
    enum class Where : std::uint8_t { Waiting, Leased, Ended };

    [[nodiscard]] static std::string_view reason_of(core::Action const& action);
    // Around each Scheduler::on.
    void before(core::Scheduler const& scheduler, core::Event const& event, TimePoint now);
    void after(
        core::Scheduler const& scheduler, std::vector<core::Action> const& actions, TimePoint now
    );
    // The whole snapshot against the books; slower.
    void compare_all(core::Scheduler const& scheduler, TimePoint now) const;

    [[nodiscard]] std::uint64_t hash() const { return hash_; }

    [[nodiscard]] std::uint64_t events() const { return events_; }

    [[nodiscard]] std::size_t open_tickets() const { return open_; }

    [[nodiscard]] Where where(core::TicketId ticket) const;

  private:
    struct Book {
        Bytes charge;
        bool is_loaded = false;    // reported ready
        bool is_unloaded = false;  // its unload was sent
    };

    void take(core::Event const& event, TimePoint now);
    void check(core::Scheduler const& scheduler, core::Action const& action, TimePoint now);
    void check_dispatch(
        core::Scheduler const& scheduler, core::Dispatch const& dispatch, TimePoint now
    );
    void check_load(core::Scheduler const& scheduler, core::Load const& load, TimePoint now);
    void check_ahead(core::Scheduler const& scheduler, core::Load const& load, TimePoint now);
    void take_wish(core::Event const& event);
    [[nodiscard]] bool is_wanted(std::string const& weights) const;
    void check_unload(core::Unload const& unload) const;
    void free_loader(core::InstanceId instance, TimePoint now);
    void end(core::TicketId ticket, Where expected, char const* what);
    void forget_gone(core::Scheduler const& scheduler);
    void mix(std::uint64_t value);
    void mix(std::string const& text);

    std::unordered_map<core::TicketId, Where> tickets_;
    std::unordered_map<core::TicketId, std::string> wanted_;  // weights of the waiting
    std::unordered_set<std::string> pinned_;                  // at some time, and not unpinned
    std::unordered_map<core::AnnouncementId, std::string> announced_;
    std::unordered_map<std::string, int> loads_ahead_;  // that announcements still allow
    std::unordered_map<core::TicketId, core::InstanceId> leases_;
    std::unordered_map<core::InstanceId, unsigned> leased_;
    std::unordered_map<core::InstanceId, Book> loads_;
    std::unordered_set<core::InstanceId> draining_before_;
    std::optional<core::InstanceId> in_flight_;
    TimePoint loader_free_since_ = TimePoint::min();
    std::optional<TimePoint> observed_now_;
    bool is_up_ = true;
    std::size_t open_ = 0;
    std::uint64_t hash_ = 1469598103934665603ULL;
    std::uint64_t events_ = 0;
};

}  // namespace plimsoll::test
