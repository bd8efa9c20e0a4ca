#include <plimsoll/core/scheduler.hpp>
#include <plimsoll/trace/simulate.hpp>

#include <algorithm>
#include <map>
#include <queue>
#include <unordered_map>
#include <utility>

namespace plimsoll::trace {

namespace {

using core::InstanceId;
using core::TicketId;

// Not zero, so that no moment of the simulation looks like "never".
constexpr TimePoint kStart{std::chrono::hours(1)};

struct Happening {
    enum class Kind : std::uint8_t { Arrives, AnswerEnds, LoadEnds, RowGoes };

    TimePoint at{};
    std::uint64_t sequence = 0;
    Kind kind = Kind::Arrives;
    std::uint64_t subject = 0;

    bool operator>(Happening const& other) const {
        return at != other.at ? at > other.at : sequence > other.sequence;
    }
};

class Simulation {
  public:
    Simulation(Workload const& workload, core::SchedulerConfig const& config)
        : workload_(workload), scheduler_(config) {}

    Simulated run();

  private:
    using Kind = Happening::Kind;

    void plan(TimePoint at, Kind kind, std::uint64_t subject);
    void happen(Happening const& happening);
    void tell(core::Event const& event);
    void carry_out(core::Action const& action);
    void show_list();
    [[nodiscard]] core::Ticket ticket_of(std::size_t index) const;

    [[nodiscard]] bool is_over() const { return open_ == 0; }

    Workload const& workload_;
    core::Scheduler scheduler_;
    Simulated out_;
    std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
    std::uint64_t sequence_ = 0;
    TimePoint now_ = kStart;
    TimePoint counted_until_ = kStart;
    std::optional<TimePoint> wakeup_;
    std::size_t next_arrival_ = 0;
    std::size_t open_ = 0;  // requests without an end
    bool is_list_due_ = false;
    std::vector<core::Event> told_;  // by carrying out actions: told when all are carried out
    std::map<InstanceId, std::size_t> residency_of_;
    std::map<InstanceId, std::string> listed_;  // rows of the upstream
    std::unordered_map<std::string, std::size_t> model_of_;
};

void Simulation::plan(TimePoint at, Kind kind, std::uint64_t subject) {
    queue_.push({.at = at, .sequence = ++sequence_, .kind = kind, .subject = subject});
}

core::Ticket Simulation::ticket_of(std::size_t index) const {
    Request const& request = workload_.requests[index];
    Model const& model = workload_.models[request.model];
    core::Ticket ticket;
    ticket.id = TicketId{index + 1};
    ticket.client = request.client;
    ticket.priority = request.priority;
    ticket.demand.weights = model.name;
    ticket.demand.model = model.name;
    ticket.demand.settings.num_ctx = 4096;
    ticket.demand.charge = model.charge;
    ticket.demand.load_time = model.load;
    ticket.demand.unload_time = model.unload;
    return ticket;
}

void Simulation::show_list() {
    core::Observed observed;
    observed.asked = now_;
    for (auto const& [id, name] : listed_) {
        Model const& model = workload_.models[model_of_.at(name)];
        core::Row row;
        row.weights = name;
        row.model = name;
        row.size = model.charge;
        row.size_vram = model.charge;
        row.num_ctx = 4096;
        row.predicted = model.charge;
        observed.rows.push_back(std::move(row));
    }
    tell(observed);
}

void Simulation::carry_out(core::Action const& action) {
    if (std::holds_alternative<core::Observe>(action)) {
        is_list_due_ = true;
    } else if (auto const* load = std::get_if<core::Load>(&action)) {
        std::size_t const model = model_of_.at(load->demand.model);
        residency_of_[load->instance] = out_.residencies.size();
        out_.residencies.push_back({.model = model, .load_start = now_ - kStart});
        plan(
            now_ + workload_.models[model].load,
            Kind::LoadEnds,
            static_cast<std::uint64_t>(load->instance)
        );
    } else if (auto const* abort = std::get_if<core::AbortLoad>(&action)) {
        Residency& residency = out_.residencies[residency_of_.at(abort->instance)];
        residency.gone = residency.unload_start = now_ - kStart;
        residency_of_.erase(abort->instance);
        told_.emplace_back(core::LoadFailed{abort->instance, core::LoadFailure::Aborted, ""});
    } else if (auto const* unload = std::get_if<core::Unload>(&action)) {
        if (unload->attempt > 1) {
            return;  // it is on its way, slowly
        }
        Residency& residency = out_.residencies[residency_of_.at(unload->instance)];
        residency.unload_start = now_ - kStart;
        plan(
            now_ + workload_.models[residency.model].unload,
            Kind::RowGoes,
            static_cast<std::uint64_t>(unload->instance)
        );
    } else if (auto const* dispatch = std::get_if<core::Dispatch>(&action)) {
        auto const index = static_cast<std::size_t>(dispatch->ticket) - 1;
        out_.passages[index].waited = dispatch->waited;
        plan(now_ + workload_.requests[index].service, Kind::AnswerEnds, index);
    } else if (auto const* refuse = std::get_if<core::Refuse>(&action)) {
        auto const index = static_cast<std::size_t>(refuse->ticket) - 1;
        Passage& passage = out_.passages[index];
        passage.outcome = Outcome::Refused;
        passage.waited = now_ - kStart - workload_.requests[index].arrival;
        passage.ended = now_ - kStart;
        passage.reason = refuse->reason;
        --open_;
    }
}

void Simulation::tell(core::Event const& event) {
    ++out_.events;
    for (core::Action const& action : scheduler_.on(event, now_)) {
        carry_out(action);
    }
}

void Simulation::happen(Happening const& happening) {
    switch (happening.kind) {
        case Kind::Arrives:
            if (next_arrival_ + 1 < workload_.requests.size()) {
                ++next_arrival_;
                plan(
                    kStart + workload_.requests[next_arrival_].arrival, Kind::Arrives, next_arrival_
                );
            }
            tell(core::TicketArrived{ticket_of(happening.subject)});
            return;
        case Kind::AnswerEnds:
            out_.passages[happening.subject].ended = now_ - kStart;
            --open_;
            tell(core::TicketEnded{TicketId{happening.subject + 1}, core::TicketOutcome::Done});
            return;
        case Kind::LoadEnds: {
            InstanceId const id{happening.subject};
            auto const found = residency_of_.find(id);
            if (found == residency_of_.end()) {
                return;  // given up
            }
            Residency& residency = out_.residencies[found->second];
            Model const& model = workload_.models[residency.model];
            residency.ready = now_ - kStart;
            listed_[id] = model.name;
            tell(core::LoadSucceeded{id, model.charge, model.charge, 4096, model.load, {}});
            return;
        }
        case Kind::RowGoes: {
            InstanceId const id{happening.subject};
            out_.residencies[residency_of_.at(id)].gone = now_ - kStart;
            residency_of_.erase(id);
            listed_.erase(id);
            show_list();
            return;
        }
    }
}

Simulated Simulation::run() {
    open_ = workload_.requests.size();
    out_.passages.resize(open_);
    for (std::size_t i = 0; i < workload_.models.size(); ++i) {
        model_of_[workload_.models[i].name] = i;
    }
    if (open_ > 0) {
        plan(kStart + workload_.requests.front().arrival, Kind::Arrives, 0);
    }
    while (!is_over() && (!queue_.empty() || wakeup_)) {
        bool const is_wakeup = wakeup_ && (queue_.empty() || *wakeup_ < queue_.top().at);
        TimePoint const at = is_wakeup ? std::max(*wakeup_, now_) : queue_.top().at;
        out_.byte_seconds += static_cast<double>(scheduler_.ledger().charged().count()) *
                             to_seconds(at - counted_until_);
        counted_until_ = now_ = at;
        if (is_wakeup) {
            wakeup_.reset();
            tell(core::TimePassed{});
        } else {
            Happening const next = queue_.top();
            queue_.pop();
            happen(next);
        }
        // A list takes a moment, and shows what has happened by then.
        bool const is_more_to_come = !queue_.empty() && queue_.top().at <= now_;
        while (!is_more_to_come && (is_list_due_ || !told_.empty())) {
            if (std::exchange(is_list_due_, false)) {
                show_list();
            }
            for (core::Event const& event : std::exchange(told_, {})) {
                tell(event);
            }
        }
        wakeup_ = scheduler_.next_wakeup();
    }
    out_.length = now_ - kStart;
    for (auto const& [id, index] : residency_of_) {
        out_.residencies[index].gone = out_.length;
    }
    out_.counters = scheduler_.counters();
    out_.peak = scheduler_.ledger().peak();
    return std::move(out_);
}

}  // namespace

Simulated simulate(Workload const& workload, core::SchedulerConfig const& config) {
    return Simulation(workload, config).run();
}

}  // namespace plimsoll::trace
