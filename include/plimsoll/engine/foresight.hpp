#pragma once
// For clients that know what comes next, as runs of chains do. Loop thread only.

#include <plimsoll/base/time.hpp>
#include <plimsoll/core/types.hpp>

#include <cstdint>
#include <string>

namespace plimsoll::engine {

// A request that will probably come (the next step of a chain), told to the scheduler so that it
// looks ahead: its model is kept, or loaded early where nobody waits. Withdrawn by its destructor.
class Announcement {
  public:
    Announcement() = default;
    ~Announcement();
    Announcement(Announcement&& other) noexcept;
    Announcement& operator=(Announcement&& other) noexcept;

    // Says anew in which time it will probably come.
    void expect_in(Duration time);
    // It has come (tell that first), or will not; later calls do nothing.
    void withdraw();

  private:
    friend class Engine;
    class Engine* engine_ = nullptr;
    core::AnnouncementId id_{};
    core::Demand demand_;
};

// What became of a client's wish to have a model no longer.
struct Released {
    enum class End : std::uint8_t {
        Gone,    // unloaded
        Absent,  // it was not loaded
        Kept,    // others use it, will use it, or pinned it
        Stuck,   // it may still be loaded: the upstream did not unload it in time
    };
    End end = End::Gone;
    std::string why;  // Kept, Stuck
};

}  // namespace plimsoll::engine
