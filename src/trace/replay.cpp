#include <plimsoll/trace/replay.hpp>

#include <algorithm>
#include <utility>

namespace plimsoll::trace {

Replay::Replay(RecordingHeader const& header) : origin_(header.origin) {
    for (Pool const& pool : header.pools) {
        lanes_.push_back(Lane{core::Scheduler(pool.config), {}, {}});
    }
}

std::vector<Decision> Replay::play(Step const& step, std::size_t line) {
    Lane& lane = lanes_.at(step.pool);
    note(lane, step.event, step.at);
    auto actions = lane.scheduler.on(step.event, step.at);
    ++tally_.events;
    tally_.length = step.at - origin_;
    if (!difference_) {
        compare(step, actions, line);
    }
    std::vector<Decision> out;
    out.reserve(actions.size());
    for (core::Action& action : actions) {
        Decision& decision = out.emplace_back();
        decision.at = step.at - origin_;
        decision.pool = step.pool;
        decision.model = count(lane, action, step.at);
        decision.action = std::move(action);
    }
    return out;
}

void Replay::compare(Step const& step, std::vector<core::Action> const& actions, std::size_t line) {
    std::size_t const most = std::max(actions.size(), step.actions.size());
    for (std::size_t i = 0; i < most; ++i) {
        auto const text = [&](std::vector<core::Action> const& list) {
            return i < list.size() ? action_text(list[i], origin_) : std::string();
        };
        std::string recorded = text(step.actions);
        std::string replayed = text(actions);
        if (recorded != replayed) {
            difference_ =
                Difference{line, step.at - origin_, std::move(recorded), std::move(replayed)};
            return;
        }
    }
}

// Keeps the names that later actions leave out.
void Replay::note(Lane& lane, core::Event const& event, TimePoint at) {
    if (auto const* const arrived = std::get_if<core::TicketArrived>(&event)) {
        lane.tickets.insert_or_assign(
            static_cast<std::uint64_t>(arrived->ticket.id), Asked{arrived->ticket.demand.model, at}
        );
    } else if (auto const* const ended = std::get_if<core::TicketEnded>(&event)) {
        lane.tickets.erase(static_cast<std::uint64_t>(ended->ticket));
    } else if (auto const* const cancelled = std::get_if<core::TicketCancelled>(&event)) {
        lane.tickets.erase(static_cast<std::uint64_t>(cancelled->ticket));
    }
}

std::string Replay::wait_ended(Lane& lane, core::TicketId ticket, TimePoint at, bool is_over) {
    auto const found = lane.tickets.find(static_cast<std::uint64_t>(ticket));
    if (found == lane.tickets.end()) {
        return {};
    }
    tally_.longest_wait = std::max(tally_.longest_wait, at - found->second.since);
    std::string model = found->second.model;
    if (is_over) {
        lane.tickets.erase(found);
    }
    return model;
}

std::string Replay::count(Lane& lane, core::Action const& action, TimePoint at) {
    if (auto const* const load = std::get_if<core::Load>(&action)) {
        ++tally_.loads;
        lane.instances.insert_or_assign(
            static_cast<std::uint64_t>(load->instance), load->demand.model
        );
        return load->demand.model;
    }
    if (auto const* const unload = std::get_if<core::Unload>(&action)) {
        ++tally_.unloads;
        return unload->model;
    }
    if (auto const* const dispatch = std::get_if<core::Dispatch>(&action)) {
        ++tally_.dispatches;
        return wait_ended(lane, dispatch->ticket, at, false);
    }
    if (auto const* const refuse = std::get_if<core::Refuse>(&action)) {
        ++tally_.refusals;
        return wait_ended(lane, refuse->ticket, at, true);
    }
    if (auto const* const abort = std::get_if<core::AbortLoad>(&action)) {
        auto const found = lane.instances.find(static_cast<std::uint64_t>(abort->instance));
        return found == lane.instances.end() ? std::string() : found->second;
    }
    return {};
}

}  // namespace plimsoll::trace
