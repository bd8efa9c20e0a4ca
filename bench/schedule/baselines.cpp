#include "schedule/baselines.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <queue>
#include <utility>

namespace plimsoll::bench {

namespace {

constexpr Duration kKeepAlive = std::chrono::minutes(5);
constexpr std::size_t kOllamaModels = 3;

enum class State : std::uint8_t { Absent, Loading, Ready, Unloading };

struct Loaded {
    State state = State::Absent;
    std::size_t running = 0;
    std::deque<std::size_t> queue;  // requests that will run on it
    Duration last_used{};
};

struct Happening {
    enum class Kind : std::uint8_t { Arrives, Ends, Loads, Goes, Expires };

    Duration at{};
    std::uint64_t sequence = 0;
    Kind kind = Kind::Arrives;
    std::size_t subject = 0;

    bool operator>(Happening const& other) const {
        return at != other.at ? at > other.at : sequence > other.sequence;
    }
};

class Simulator {
  public:
    Simulator(trace::Workload const& workload, Policy policy, Bytes budget, std::size_t slots)
        : workload_(workload),
          policy_(policy),
          budget_(budget),
          slots_(slots),
          models_(workload.models.size()) {}

    Baseline run();

  private:
    using Kind = Happening::Kind;

    void plan(Duration at, Kind kind, std::size_t subject) {
        events_.push({.at = at, .sequence = ++sequence_, .kind = kind, .subject = subject});
    }

    void happen(Happening const& event);
    void arrive(std::size_t request);
    void start(std::size_t request);
    void serve(std::size_t model);
    void pump();
    bool serve_head();
    void load(std::size_t model);
    void unload(std::size_t model);
    [[nodiscard]] bool make_room(std::size_t model);
    [[nodiscard]] std::optional<std::size_t> victim() const;

    [[nodiscard]] bool is_like_ollama() const {
        return policy_ == Policy::Ollama || policy_ == Policy::OllamaJoined;
    }

    [[nodiscard]] bool is_idle(Loaded const& model) const {
        return model.state == State::Ready && model.running == 0 && model.queue.empty();
    }

    trace::Workload const& workload_;
    Policy policy_;
    Bytes budget_;
    std::size_t slots_;
    std::vector<Loaded> models_;
    std::deque<std::size_t> waiting_;  // requests, by arrival
    std::priority_queue<Happening, std::vector<Happening>, std::greater<>> events_;
    std::uint64_t sequence_ = 0;
    Duration now_{};
    Bytes used_;
    std::size_t rows_ = 0;
    bool is_busy_ = false;  // a load or an unload runs
    Baseline out_;
};

void Simulator::start(std::size_t request) {
    trace::Request const& wanted = workload_.requests[request];
    ++models_[wanted.model].running;
    out_.waits[request] = now_ - wanted.arrival;
    plan(now_ + wanted.service, Kind::Ends, request);
}

void Simulator::serve(std::size_t model) {
    Loaded& loaded = models_[model];
    while (loaded.state == State::Ready && !loaded.queue.empty() && loaded.running < slots_) {
        std::size_t const request = loaded.queue.front();
        loaded.queue.pop_front();
        start(request);
    }
}

void Simulator::load(std::size_t model) {
    ++out_.loads;
    models_[model].state = State::Loading;
    used_ += workload_.models[model].charge;
    ++rows_;
    is_busy_ = true;
    plan(now_ + workload_.models[model].load, Kind::Loads, model);
}

void Simulator::unload(std::size_t model) {
    models_[model].state = State::Unloading;
    is_busy_ = true;
    plan(now_ + workload_.models[model].unload, Kind::Goes, model);
}

std::optional<std::size_t> Simulator::victim() const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < models_.size(); ++i) {
        bool const is_better =
            !found || (is_like_ollama() ? workload_.models[i].name < workload_.models[*found].name
                                        : models_[i].last_used < models_[*found].last_used);
        if (is_idle(models_[i]) && is_better) {
            found = i;
        }
    }
    return found;
}

// True: the model fits now. Else one step towards it was made, if any can be.
bool Simulator::make_room(std::size_t model) {
    bool const is_row_left = !is_like_ollama() || rows_ < kOllamaModels;
    bool const is_alone = policy_ != Policy::Exclusive || rows_ == 0;
    if (used_ + workload_.models[model].charge <= budget_ && is_row_left && is_alone) {
        return true;
    }
    if (auto const goes = victim()) {
        unload(*goes);
    }
    return false;
}

// False: the head has to wait.
bool Simulator::serve_head() {
    std::size_t const request = waiting_.front();
    std::size_t const model = workload_.requests[request].model;
    Loaded& wanted = models_[model];
    if (wanted.state == State::Ready) {
        if (policy_ == Policy::FifoLru && wanted.running == slots_) {
            return false;
        }
        waiting_.pop_front();
        wanted.queue.push_back(request);
        serve(model);
        return true;
    }
    if (!is_busy_ && wanted.state == State::Absent && make_room(model)) {
        load(model);
    }
    return false;
}

void Simulator::pump() {
    if (policy_ == Policy::OllamaJoined || policy_ == Policy::Exclusive) {
        // What is loaded is served past the queue.
        std::erase_if(waiting_, [this](std::size_t request) {
            std::size_t const model = workload_.requests[request].model;
            bool const is_ready = models_[model].state == State::Ready;
            if (is_ready) {
                models_[model].queue.push_back(request);
            }
            return is_ready;
        });
        for (std::size_t i = 0; i < models_.size(); ++i) {
            serve(i);
        }
    }
    while (!waiting_.empty() && serve_head()) {
    }
}

void Simulator::arrive(std::size_t request) {
    if (request + 1 < workload_.requests.size()) {
        plan(workload_.requests[request + 1].arrival, Kind::Arrives, request + 1);
    }
    std::size_t const model = workload_.requests[request].model;
    if (policy_ == Policy::Ollama && models_[model].state == State::Ready) {
        models_[model].queue.push_back(request);
        serve(model);
    } else {
        waiting_.push_back(request);
    }
}

void Simulator::happen(Happening const& event) {
    switch (event.kind) {
        case Kind::Arrives:
            arrive(event.subject);
            return;
        case Kind::Ends: {
            std::size_t const model = workload_.requests[event.subject].model;
            --models_[model].running;
            models_[model].last_used = now_;
            plan(now_ + kKeepAlive, Kind::Expires, model);
            serve(model);
            return;
        }
        case Kind::Loads:
            is_busy_ = false;
            models_[event.subject].state = State::Ready;
            models_[event.subject].last_used = now_;
            return;
        case Kind::Goes:
            is_busy_ = false;
            models_[event.subject].state = State::Absent;
            used_ -= workload_.models[event.subject].charge;
            --rows_;
            return;
        case Kind::Expires: {
            Loaded const& model = models_[event.subject];
            if (is_idle(model) && now_ - model.last_used >= kKeepAlive && !is_busy_) {
                unload(event.subject);
            }
            return;
        }
    }
}

Baseline Simulator::run() {
    out_.waits.resize(workload_.requests.size());
    if (!workload_.requests.empty()) {
        plan(workload_.requests.front().arrival, Kind::Arrives, 0);
    }
    while (!events_.empty()) {
        Happening const next = events_.top();
        events_.pop();
        now_ = next.at;
        happen(next);
        pump();
    }
    return std::move(out_);
}

}  // namespace

Baseline run_baseline(
    trace::Workload const& workload, Policy policy, Bytes budget, std::size_t slots
) {
    return Simulator(workload, policy, budget, slots).run();
}

std::string_view to_string(Policy policy) {
    switch (policy) {
        case Policy::Ollama:
            return "Ollama";
        case Policy::OllamaJoined:
            return "Ollama + joins";
        case Policy::FifoLru:
            return "FIFO + LRU";
        case Policy::Exclusive:
            return "exclusive";
    }
    return "";
}

}  // namespace plimsoll::bench
