#include "core/forecast.hpp"

#include "core/advance.hpp"
#include "core/clone.hpp"
#include "core/victims.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <queue>

namespace plimsoll::core {

namespace {

constexpr std::size_t kEventsOfFew = 500;                  // more than those who wait then need
constexpr Duration kSoon = std::chrono::milliseconds(10);  // what should have happened already

struct Happening {
    enum class Kind : std::uint8_t { AnswerEnds, LoadEnds, RowGoes };

    TimePoint at{};
    std::uint64_t sequence = 0;
    Kind kind = Kind::AnswerEnds;
    std::uint64_t subject = 0;

    bool operator>(Happening const& other) const {
        return at != other.at ? at > other.at : sequence > other.sequence;
    }
};

class Ahead {
  public:
    Ahead(State const& state, TimePoint now, ForecastLimits const& limits)
        : state_(clone_of(state)), start_(now), now_(now), limits_(limits) {}

    Forecast run(std::optional<Ticket> const& asked);
    double total_wait(std::string const& favoured);

  private:
    using Kind = Happening::Kind;

    void plan(TimePoint at, Kind kind, std::uint64_t subject);
    void take_over();
    void tell(Event const& event);
    void carry_out(Action const& action);
    void happen(Happening const& happening);
    void show_list();
    void settle_down();
    void run_on();
    bool move_on();
    void step(ForecastStep::Kind kind, std::string model, Bytes bytes, std::string reason);
    void dispatched(Dispatch const& dispatch);
    void refused(Refuse const& refuse);

    [[nodiscard]] bool is_over() const {
        bool const is_answered = out_.wait.has_value() || out_.refusal.has_value();
        return asked_ ? is_answered : state_->waiting == 0;
    }

    std::unique_ptr<State> state_;
    TimePoint start_, now_;
    ForecastLimits limits_;
    std::optional<TicketId> asked_;
    std::priority_queue<Happening, std::vector<Happening>, std::greater<>> queue_;
    std::uint64_t sequence_ = 0;
    std::size_t events_ = 0;
    std::deque<Event> told_;
    std::map<InstanceId, Demand> rows_;  // what the upstream's list would show
    bool is_list_due_ = false;
    Forecast out_;
};

void Ahead::plan(TimePoint at, Kind kind, std::uint64_t subject) {
    queue_.push(
        {.at = std::max(at, now_ + kSoon), .sequence = ++sequence_, .kind = kind, .subject = subject
        }
    );
}

// What is under way as the forecast begins.
void Ahead::take_over() {
    for (auto const& [id, waiter] : state_->tickets) {
        if (waiter.want == nullptr && waiter.target == nullptr) {
            plan(
                waiter.leased_at + limits_.unknown_answer,
                Kind::AnswerEnds,
                static_cast<std::uint64_t>(id)
            );
        } else if (waiter.want == nullptr) {
            Duration const answer =
                expected_answer(*waiter.target, waiter.ticket.demand, limits_.unknown_answer);
            plan(waiter.leased_at + answer, Kind::AnswerEnds, static_cast<std::uint64_t>(id));
        }
    }
    for (auto const& [id, instance] : state_->instances) {
        auto const subject = static_cast<std::uint64_t>(id);
        if (instance.state == InstanceState::Loading) {
            plan(instance.since + instance.demand.load_time, Kind::LoadEnds, subject);
        } else if (instance.state == InstanceState::Aborting) {
            if (!instance.failure) {
                told_.emplace_back(LoadFailed{id, LoadFailure::Aborted, ""});
            }
        } else {
            rows_.emplace(id, instance.demand);
            if (instance.state == InstanceState::Unloading) {
                plan(instance.unload_sent + instance.demand.unload_time, Kind::RowGoes, subject);
            }
        }
    }
    is_list_due_ = state_->observe_asked.has_value();
}

void Ahead::step(ForecastStep::Kind kind, std::string model, Bytes bytes, std::string reason) {
    out_.steps.push_back({kind, now_ - start_, std::move(model), bytes, std::move(reason)});
}

void Ahead::dispatched(Dispatch const& dispatch) {
    auto const& waiter = state_->tickets.at(dispatch.ticket);
    plan(
        now_ + expected_answer(*waiter.target, waiter.ticket.demand, limits_.unknown_answer),
        Kind::AnswerEnds,
        static_cast<std::uint64_t>(dispatch.ticket)
    );
    out_.waits.emplace(dispatch.ticket, now_ - start_);
    if (dispatch.ticket == asked_) {
        out_.wait = now_ - start_;
        step(ForecastStep::Kind::Dispatch, waiter.ticket.demand.model, {}, dispatch.reason);
    }
}

void Ahead::refused(Refuse const& refuse) {
    if (refuse.ticket == asked_) {
        out_.refusal = refuse.kind;
        out_.retry_after = refuse.retry_after;
        step(ForecastStep::Kind::Refuse, {}, {}, refuse.reason);
    }
}

void Ahead::carry_out(Action const& action) {
    if (std::holds_alternative<Observe>(action)) {
        is_list_due_ = true;
    } else if (auto const* load = std::get_if<Load>(&action)) {
        step(ForecastStep::Kind::Load, load->demand.model, load->demand.charge, load->reason);
        plan(
            now_ + load->demand.load_time,
            Kind::LoadEnds,
            static_cast<std::uint64_t>(load->instance)
        );
    } else if (auto const* abort = std::get_if<AbortLoad>(&action)) {
        told_.emplace_back(LoadFailed{abort->instance, LoadFailure::Aborted, ""});
    } else if (auto const* unload = std::get_if<Unload>(&action)) {
        Instance const& instance = state_->instances.at(unload->instance);
        step(
            ForecastStep::Kind::Unload,
            unload->model,
            state_->ledger.charge_of(unload->instance),
            unload->reason
        );
        plan(
            now_ + instance.demand.unload_time,
            Kind::RowGoes,
            static_cast<std::uint64_t>(unload->instance)
        );
    } else if (auto const* dispatch = std::get_if<Dispatch>(&action)) {
        dispatched(*dispatch);
    } else if (auto const* refuse = std::get_if<Refuse>(&action)) {
        refused(*refuse);
    } else if (auto const* notice = std::get_if<Notice>(&action)) {
        if (state_->commit && !state_->commit->is_unloading && state_->commit->at == now_) {
            step(ForecastStep::Kind::Drain, {}, {}, notice->text);
        }
    }
}

void Ahead::tell(Event const& event) {
    ++events_;
    for (Action const& action : advance(*state_, event, now_)) {
        carry_out(action);
    }
}

void Ahead::show_list() {
    Observed observed;
    observed.asked = now_;
    for (auto const& [id, demand] : rows_) {
        Instance const* const instance = find_instance(*state_, id);
        Row row;
        row.weights = demand.weights;
        row.model = demand.model;
        row.size = row.size_vram = instance == nullptr ? demand.charge : instance->measured;
        observed.rows.push_back(std::move(row));
    }
    tell(observed);
}

void Ahead::happen(Happening const& happening) {
    switch (happening.kind) {
        case Kind::AnswerEnds:
            tell(TicketEnded{TicketId{happening.subject}, TicketOutcome::Done});
            return;
        case Kind::LoadEnds: {
            InstanceId const id{happening.subject};
            Instance const* const instance = find_instance(*state_, id);
            if (instance == nullptr || instance->state != InstanceState::Loading) {
                return;
            }
            Demand const demand = instance->demand;
            rows_.emplace(id, demand);
            step(ForecastStep::Kind::Ready, demand.model, demand.charge, {});
            tell(LoadSucceeded{
                id, demand.charge, demand.charge, demand.settings.num_ctx, demand.load_time, {}
            });
            return;
        }
        case Kind::RowGoes:
            rows_.erase(InstanceId{happening.subject});
            is_list_due_ = true;
            return;
    }
}

// Lists come at once, and what was given up is answered at once.
void Ahead::settle_down() {
    while ((is_list_due_ || !told_.empty()) && events_ < limits_.events) {
        if (std::exchange(is_list_due_, false)) {
            show_list();
        }
        while (!told_.empty()) {
            Event const event = std::move(told_.front());
            told_.pop_front();
            tell(event);
        }
    }
}

// False: nothing will happen any more.
bool Ahead::move_on() {
    bool const has_wakeup = state_->wake != kNever;
    if (!has_wakeup && queue_.empty()) {
        return false;
    }
    bool const is_wakeup = has_wakeup && (queue_.empty() || state_->wake < queue_.top().at);
    now_ = std::max(now_, is_wakeup ? state_->wake : queue_.top().at);
    if (is_wakeup) {
        tell(TimePassed{});
    } else {
        Happening const next = queue_.top();
        queue_.pop();
        happen(next);
    }
    settle_down();
    return true;
}

void Ahead::run_on() {
    settle_down();
    while (!is_over() && events_ < limits_.events && now_ - start_ < limits_.horizon && move_on()) {
    }
}

Forecast Ahead::run(std::optional<Ticket> const& asked) {
    take_over();
    if (asked) {
        asked_ = asked->id;
        Ticket ticket = *asked;
        ticket.deadline.reset();  // what it would be judged by is this forecast
        tell(TicketArrived{ticket});
    }
    run_on();
    return std::move(out_);
}

double Ahead::total_wait(std::string const& favoured) {
    std::size_t const all = state_->waiting;
    state_->favoured = favoured;
    take_over();
    is_list_due_ = true;
    run_on();
    // Whoever is still there waits at least until now.
    auto const rest = static_cast<double>(all - std::min(all, out_.waits.size()));
    double sum = rest * to_seconds(now_ - start_);
    for (auto const& [id, wait] : out_.waits) {
        sum += to_seconds(wait);
    }
    return sum;
}

}  // namespace

double total_wait_if_next(State const& state, TimePoint now, Target const& target) {
    return Ahead(state, now, ForecastLimits{.events = kEventsOfFew}).total_wait(target.weights);
}

Forecast forecast(
    State const& state,
    TimePoint now,
    std::optional<Ticket> const& asked,
    ForecastLimits const& limits
) {
    return Ahead(state, now, limits).run(asked);
}

}  // namespace plimsoll::core
