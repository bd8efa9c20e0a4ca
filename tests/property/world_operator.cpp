// The world's operators and chain runners: pins, settings, unloads, announced uses.
#include "property/world.hpp"

#include <algorithm>

namespace plimsoll::test {

using namespace core;

void World::operate() {
    if (is_winding_down_) {
        return;
    }
    plan(rng_.seconds(20, 400), Kind::Operator);
    Model const& model = models_[rng_.below(models_.size())];
    switch (rng_.below(11)) {
        case 0:
            send(UnloadRequested{model.weights});
            return;
        case 1:
            send(CleanupRequested{});
            return;
        case 2:
            change_config();
            return;
        case 3:
        case 4:
            change_pin();
            return;
        case 5:
        case 6:
        case 7:
            change_announcements();
            return;
        default: {
            auto const kind = static_cast<KeepAlive::Kind>(rng_.below(3));
            send(KeepAliveWished{
                "client" + std::to_string(rng_.below(6)),
                model.weights,
                {kind, rng_.seconds(0, 900)}
            });
        }
    }
}

void World::change_pin() {
    Model const& model = models_[rng_.below(models_.size())];
    if (rng_.chance(0.5)) {
        send(PinCleared{model.weights});
        return;
    }
    std::optional<TimePoint> until;
    if (rng_.chance(0.5)) {
        until = now_ + rng_.seconds(5, 300);
    }
    send(PinSet{demand_of(model), "operator", until});
}

void World::change_announcements() {
    if (!announced_.empty() && rng_.chance(0.4)) {
        std::size_t const which = rng_.below(announced_.size());
        AnnouncementId const id = announced_[which];
        announced_.erase(announced_.begin() + static_cast<std::ptrdiff_t>(which));
        send(UseWithdrawn{id});
        return;
    }
    // Now and then what was said before is corrected.
    bool const is_new = announced_.empty() || rng_.chance(0.8);
    AnnouncementId const id =
        is_new ? AnnouncementId{++last_announcement_} : announced_[rng_.below(announced_.size())];
    if (is_new) {
        announced_.push_back(id);
    }
    Model const& model = models_[rng_.below(models_.size())];
    send(UseAnnounced{id, demand_of(model), now_ + rng_.seconds(0, 300)});
}

void World::change_config() {
    if (rng_.chance(0.5)) {
        set_budget(gibibytes(10 + rng_.below(24)));
    } else {
        scheduler_config_.parallel = 1 + rng_.below(4);
        scheduler_config_.max_loaded_models = 1 + rng_.below(5);
    }
    send(ConfigChanged{scheduler_config_});
}

}  // namespace plimsoll::test
