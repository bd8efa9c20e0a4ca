#include "core/clone.hpp"

#include <plimsoll/base/result.hpp>

namespace plimsoll::core {

namespace {

// Pointers into the original become pointers into the copy.
class Relink {
  public:
    explicit Relink(State& to) : to_(to) {}

    void target(Target const& original, Target& copy);
    void waiter(Waiter& copy) const;

    Target* of(Target const* original) const {
        return original == nullptr ? nullptr : &to_.targets.at(original->weights);
    }

  private:
    void queues(Target& copy) const;

    State& to_;
};

void Relink::target(Target const& original, Target& copy) {
    if (original.instance != nullptr) {
        copy.instance = &to_.instances.at(original.instance->id);
        copy.instance->target = &copy;
    }
    auto want = copy.wants.begin();
    for (Want const& from : original.wants) {
        for (auto const& [due, id] : from.due) {
            to_.tickets.at(id).want = &*want;
        }
        ++want;
    }
    queues(copy);
}

void Relink::queues(Target& copy) const {
    copy.client_index.clear();
    for (auto client = copy.clients.begin(); client != copy.clients.end(); ++client) {
        copy.client_index.emplace(client->client, client);
        for (auto place = client->tickets.begin(); place != client->tickets.end(); ++place) {
            Waiter& waiter = to_.tickets.at((*place)->ticket.id);
            *place = &waiter;
            waiter.client = client;
            waiter.place = place;
        }
    }
}

// A lease outlives an instance that vanished, and then maybe its target too.
void Relink::waiter(Waiter& copy) const {
    bool const is_waiting = copy.want != nullptr;
    bool const is_held = is_waiting || to_.instances.contains(copy.instance);
    copy.target = is_held ? of(copy.target) : nullptr;
}

}  // namespace

std::unique_ptr<State> clone_of(State const& state) {
    std::unique_ptr<State> copy(new State(state));
    copy->is_copy = true;
    Relink relink(*copy);
    for (auto& [id, waiter] : copy->tickets) {
        relink.waiter(waiter);
    }
    for (auto const& [weights, target] : state.targets) {
        relink.target(target, copy->targets.at(weights));
    }
    for (Target*& target : copy->needy) {
        target = relink.of(target);
    }
    for (Target*& target : copy->pinned) {
        target = relink.of(target);
    }
    for (Target*& target : copy->announced) {
        target = relink.of(target);
    }
    if (copy->commit) {
        copy->commit->target = relink.of(copy->commit->target);
    }
    if (copy->next_load) {
        copy->next_load->target = relink.of(copy->next_load->target);
    }
    return copy;
}

}  // namespace plimsoll::core
