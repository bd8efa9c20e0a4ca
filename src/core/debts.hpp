#pragma once
// What swaps cost, charged to the clients whose requests caused them. A debt only decides between
// targets that are equal otherwise (rule 9).

#include <plimsoll/base/time.hpp>

#include <string>
#include <unordered_map>

namespace plimsoll::core {

struct Instance;
struct State;
struct Target;

class Debts {
  public:
    void charge(std::string const& client, double seconds, TimePoint now);
    // Seconds, half as many for every ten minutes since they were charged; 0 below a tenth.
    [[nodiscard]] double of(std::string const& client, TimePoint now) const;

  private:
    struct Entry {
        double seconds = 0;
        TimePoint as_of{};
    };

    void forget_small(TimePoint now);

    std::unordered_map<std::string, Entry> entries_;
};

// From now on the instance's load or unload is the doing of the clients that wait for the target.
void blame(Instance& instance, Target const& target);
// Shares the time since among them. A second call, or one without blame, charges nobody.
void charge_blamed(State& state, Instance& instance, TimePoint now);
// The least of those who wait for it: nobody pays for the company he is in.
[[nodiscard]] double debt_of(State const& state, Target const& target, TimePoint now);

}  // namespace plimsoll::core
