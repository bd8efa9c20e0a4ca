#pragma once
// The models of one run: which it uses now, which it will need, which it needs no longer. Tells the
// scheduler, and tells the watchers of the run what became of it. Loop thread only.

#include "chain/run/run_context.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

// A request that this run will probably make.
struct Upcoming {
    ModelUse const* use = nullptr;  // of the specification, which outlives the run
    Duration in{};                  // from now
};

class RunModels : public std::enable_shared_from_this<RunModels> {
  public:
    explicit RunModels(RunContext& context);
    ~RunModels();
    RunModels(RunModels const&) = delete;
    RunModels& operator=(RunModels const&) = delete;

    // Watches the engines from now on.
    void begin();
    // Unloads whatever is idle, unpinned and unwanted, of all upstreams.
    net::Task<void> clean_up_first(net::Canceller& canceller);

    // Before a request: makes sure that this run has at most max_loaded_models in memory. Error
    // Cancelled.
    net::Task<Result<void>> enter(
        engine::Engine& engine, std::string model, net::Canceller& canceller
    );
    // Its request has ended: the model goes, unless a step to come or others need it. `is_kept`:
    // the step says itself how long it stays.
    void leave(std::size_t worker, std::string const& model, bool is_kept);

    // What one of those who execute steps side by side needs now and next, soonest first; replaces
    // what it said before. The models are kept and loaded ahead accordingly.
    void plan(std::size_t worker, std::vector<Upcoming> upcoming);

    struct Cost {
        std::uint64_t loads = 0;
        Duration loading{};
        Bytes bytes;
    };

    // What the model has cost this run since it was asked for last.
    Cost take_cost(std::string const& model);

    // Of all models, whichever step they were for.
    [[nodiscard]] Cost const& total_cost() const { return total_; }

    // Takes all announcements back, and unloads what this run has used unless others need it.
    // Returns when all of that is over.
    net::Task<void> finish(bool does_clean_up, net::Canceller& canceller);

    // Requests of this model took so long on average; a guess before the first.
    [[nodiscard]] Duration usual_time(ModelUse const& use) const;
    void note_time(std::string const& model, Duration took);

  private:
    // By ModelName::key().
    struct Held {
        engine::Engine* engine = nullptr;
        std::string model;
        std::size_t users = 0;   // requests of this run, now
        bool is_loaded = false;  // entered, and not released since
        bool is_leaving = false;
        Cost cost;
        Duration usual{};
    };

    struct Announced {
        std::string model;
        engine::Announcement handle;
    };

    void on_event(engine::EngineEvent const& event, engine::Engine& engine);
    [[nodiscard]] std::optional<std::uint32_t> most_loaded() const;
    [[nodiscard]] std::vector<Upcoming> all_upcoming() const;
    [[nodiscard]] std::map<std::string, Upcoming> to_announce() const;
    [[nodiscard]] std::string least_needed(std::string const& but) const;
    void announce();
    net::Task<void> announce_all(std::shared_ptr<RunModels> keep);
    void start_release(std::string const& key);
    net::Task<void> release(std::shared_ptr<RunModels> keep, std::string key);
    net::Task<Result<void>> wait_for_change(net::Canceller* canceller);
    void notify();
    void say(std::string_view text);

    RunContext& context_;
    std::map<std::string, Held> held_;
    std::map<std::size_t, std::vector<Upcoming>> plans_;
    std::map<std::string, Announced> announced_;  // by key
    std::vector<std::shared_ptr<void>> subscriptions_;
    std::list<net::Flag*> watchers_;
    net::Canceller releasing_;
    Cost total_;
    std::size_t tasks_ = 0;
    bool is_announcing_ = false, must_announce_ = false;
    bool is_finishing_ = false;
};

}  // namespace plimsoll::chain
