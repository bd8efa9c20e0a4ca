#pragma once
// What is known of the stored models, by name: asked once, used at once, checked again in the
// background when older than a limit. Loop thread only.

#include <plimsoll/base/result.hpp>
#include <plimsoll/core/types.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace plimsoll::engine {

// What of a request decides about its demand; equal wishes have equal demands until the epoch
// changes.
struct DemandWish {
    bool is_native = true;
    std::optional<std::int64_t> num_ctx, num_batch;
    core::RunnerOptions options;
    bool operator==(DemandWish const&) const = default;
};

struct Fact {
    std::shared_ptr<upstream::ModelInfo const> info;
    std::string key;  // ModelName::key()
    TimePoint checked{};
    bool is_checking = false;
    // Why it would not load as the upstream is set up; empty: it would. Of the same epoch as the
    // demands.
    std::string refusal;
    // The largest contexts that were asked for in each way, tokens; 0: not in this way.
    std::uint32_t bare_ctx = 0, native_ctx = 0;
    bool is_both_said = false;
    // Demands built lately, so that a request for a resident model builds nothing.
    std::uint64_t demands_epoch = 0;
    std::vector<std::pair<DemandWish, core::Demand>> demands;
};

class Facts : public std::enable_shared_from_this<Facts> {
  public:
    using Found = Result<std::shared_ptr<Fact>>;

    Facts(net::Loop& loop, upstream::Provider& provider, Duration ttl)
        : loop_(loop), provider_(provider), ttl_(ttl) {}

    // What is known already, in any spelling; never waits. Starts a check in the background when it
    // is old.
    std::shared_ptr<Fact> find(std::string const& model);
    // The same without a check in the background: for our own polling, which would check for ever.
    std::shared_ptr<Fact> peek(std::string const& model);
    // Asks the upstream if nothing is known; callers that ask for the same model at the same time
    // share one answer.
    net::Task<Found> resolve(std::string model, net::Canceller* canceller);
    void forget(std::optional<std::string> const& model);

    void set_ttl(Duration ttl) { ttl_ = ttl; }

    [[nodiscard]] std::optional<std::string> weights_of_digest(std::string const& digest) const;
    [[nodiscard]] std::shared_ptr<Fact> by_weights(std::string const& weights) const;
    // Every known name of these weights, in a fixed order.
    [[nodiscard]] std::vector<std::string> names_of(std::string const& weights) const;

  private:
    struct Pending;

    struct Hash {
        using is_transparent = void;

        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    static net::Task<void> fetch(
        std::shared_ptr<Facts> self,
        std::string model,
        std::string key,
        std::shared_ptr<Pending> pending
    );
    static net::Task<void> check(std::shared_ptr<Facts> self, std::shared_ptr<Fact> fact);
    std::shared_ptr<Fact> keep(std::string const& key, upstream::ModelInfo info);
    void drop(std::string const& key);

    net::Loop& loop_;
    upstream::Provider& provider_;
    Duration ttl_;
    std::uint64_t generation_ = 0;  // raised by forget(): an answer asked for before it is not kept
    std::map<std::string, std::shared_ptr<Fact>> by_key_;
    std::unordered_map<std::string, std::shared_ptr<Fact>, Hash, std::equal_to<>> spellings_;
    std::map<std::string, std::shared_ptr<Pending>> pending_;
    // Digests name contents, so this stays true for ever.
    std::unordered_map<std::string, std::string> digests_;
};

}  // namespace plimsoll::engine
