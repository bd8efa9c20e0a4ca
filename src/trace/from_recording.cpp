#include <plimsoll/base/text.hpp>
#include <plimsoll/trace/from_recording.hpp>
#include <plimsoll/trace/recording.hpp>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace plimsoll::trace {

namespace {

// Of an answer, if the recording has not a single one.
constexpr Duration kNoIdea = std::chrono::seconds(1);

std::optional<Duration> middle_of(std::vector<Duration> values) {
    if (values.empty()) {
        return std::nullopt;
    }
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

Result<std::size_t> index_of(RecordingHeader const& header, std::string const& pool) {
    if (pool.empty() && header.pools.size() == 1) {
        return 0;
    }
    auto const found = std::ranges::find(header.pools, pool, &Pool::name);
    if (found != header.pools.end()) {
        return static_cast<std::size_t>(found - header.pools.begin());
    }
    std::string names;
    for (Pool const& each : header.pools) {
        names += (names.empty() ? "" : ", ") + printable(each.name, 40);
    }
    return fail(
        Errc::Invalid,
        (pool.empty() ? "it has several pools" : "it has no pool " + printable(pool, 40)) +
            "; say --pool with one of " + names
    );
}

class Gatherer {
  public:
    explicit Gatherer(TimePoint origin) : origin_(origin) {}

    void take(Step const& step);
    std::size_t finish(std::map<std::string, Bytes, std::less<>> const& sizes);

    Workload out;

  private:
    struct Open {
        std::size_t request = 0;
        std::optional<TimePoint> dispatched;
    };

    void take_event(core::Event const& event, TimePoint at);
    void take_action(core::Action const& action, TimePoint at);
    void arrive(core::Ticket const& ticket, TimePoint at);
    void end(core::TicketId ticket, TimePoint at, bool is_answered);
    std::size_t model_of(core::Demand const& demand);

    TimePoint origin_;
    std::unordered_map<std::string, std::size_t> index_;        // by weights
    std::unordered_map<std::uint64_t, Open> open_;              // by ticket
    std::unordered_map<std::uint64_t, std::size_t> instances_;  // to models
    std::vector<std::vector<Duration>> loads_;                  // by model
    std::vector<std::optional<Duration>> answers_;              // by request
};

std::size_t Gatherer::model_of(core::Demand const& demand) {
    auto const [found, is_new] = index_.try_emplace(demand.weights, out.models.size());
    if (is_new) {
        out.models.emplace_back().name = demand.model;
        loads_.emplace_back();
    }
    Model& model = out.models[found->second];
    model.charge = std::max(model.charge, demand.charge);
    model.load = demand.load_time;
    model.unload = demand.unload_time;
    return found->second;
}

void Gatherer::arrive(core::Ticket const& ticket, TimePoint at) {
    open_.insert_or_assign(
        static_cast<std::uint64_t>(ticket.id), Open{out.requests.size(), std::nullopt}
    );
    answers_.emplace_back();
    Request& request = out.requests.emplace_back();
    request.arrival = at - origin_;
    request.model = model_of(ticket.demand);
    request.client = ticket.client;
    request.priority = ticket.priority;
}

void Gatherer::end(core::TicketId ticket, TimePoint at, bool is_answered) {
    auto const found = open_.find(static_cast<std::uint64_t>(ticket));
    if (found == open_.end()) {
        return;
    }
    if (found->second.dispatched && is_answered) {
        answers_[found->second.request] = at - *found->second.dispatched;
    }
    open_.erase(found);
}

void Gatherer::take_event(core::Event const& event, TimePoint at) {
    if (auto const* const arrived = std::get_if<core::TicketArrived>(&event)) {
        arrive(arrived->ticket, at);
    } else if (auto const* const cancelled = std::get_if<core::TicketCancelled>(&event)) {
        end(cancelled->ticket, at, true);  // in its answer: the upstream stopped there
    } else if (auto const* const ended = std::get_if<core::TicketEnded>(&event)) {
        bool const is_answered = ended->outcome == core::TicketOutcome::Done ||
                                 ended->outcome == core::TicketOutcome::ClientGone;
        end(ended->ticket, at, is_answered);
    } else if (auto const* const loaded = std::get_if<core::LoadSucceeded>(&event)) {
        auto const found = instances_.find(static_cast<std::uint64_t>(loaded->instance));
        if (found != instances_.end()) {
            loads_[found->second].push_back(loaded->took);
        }
    }
}

void Gatherer::take_action(core::Action const& action, TimePoint at) {
    if (auto const* const load = std::get_if<core::Load>(&action)) {
        // A model that only a pin ever asked for has no request.
        auto const found = index_.find(load->demand.weights);
        if (found != index_.end()) {
            instances_[static_cast<std::uint64_t>(load->instance)] = found->second;
        }
    } else if (auto const* const dispatch = std::get_if<core::Dispatch>(&action)) {
        auto const found = open_.find(static_cast<std::uint64_t>(dispatch->ticket));
        if (found != open_.end()) {
            found->second.dispatched = at;
        }
    }
}

void Gatherer::take(Step const& step) {
    take_event(step.event, step.at);
    for (core::Action const& action : step.actions) {
        take_action(action, step.at);
    }
}

// The number of requests that got their model's middle answer.
std::size_t Gatherer::finish(std::map<std::string, Bytes, std::less<>> const& sizes) {
    std::vector<std::vector<Duration>> known(out.models.size());
    std::vector<Duration> all;
    for (std::size_t i = 0; i < answers_.size(); ++i) {
        if (answers_[i]) {
            known[out.requests[i].model].push_back(*answers_[i]);
            all.push_back(*answers_[i]);
        }
    }
    std::vector<Duration> middle;
    Duration const otherwise = middle_of(std::move(all)).value_or(kNoIdea);
    for (auto& each : known) {
        middle.push_back(middle_of(std::move(each)).value_or(otherwise));
    }
    std::size_t unanswered = 0;
    Duration const start = out.requests.empty() ? Duration() : out.requests.front().arrival;
    for (std::size_t i = 0; i < answers_.size(); ++i) {
        Request& request = out.requests[i];
        request.arrival -= start;
        request.service = answers_[i].value_or(middle[request.model]);
        unanswered += answers_[i] ? 0 : 1;
    }
    for (std::size_t i = 0; i < out.models.size(); ++i) {
        Model& model = out.models[i];
        model.load = middle_of(std::move(loads_[i])).value_or(model.load);
        auto const given = sizes.find(model.name);
        model.charge = given != sizes.end() ? given->second : model.charge;
    }
    return unanswered;
}

}  // namespace

Result<RecordedWorkload> workload_of(
    std::istream& recording,
    std::string const& pool,
    std::map<std::string, Bytes, std::less<>> const& sizes
) {
    auto reader = RecordingReader::open(recording);
    if (!reader) {
        return fail(reader.error());
    }
    auto const index = index_of(reader->header(), pool);
    if (!index) {
        return fail(index.error());
    }
    Gatherer gatherer(reader->header().origin);
    for (;;) {
        auto const step = reader->next();
        if (!step) {
            return fail(step.error());
        }
        if (!*step) {
            break;
        }
        if ((*step)->pool == *index) {
            gatherer.take(**step);
        }
    }
    RecordedWorkload out;
    out.unanswered = gatherer.finish(sizes);
    out.workload = std::move(gatherer.out);
    out.config = reader->header().pools[*index].config;
    out.missing_end = reader->missing_end();
    if (out.workload.requests.empty()) {
        return fail(Errc::Invalid, "there is no request in it; record while clients ask");
    }
    return out;
}

}  // namespace plimsoll::trace
