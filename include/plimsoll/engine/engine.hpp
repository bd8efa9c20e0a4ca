#pragma once
// Runs the scheduler of one upstream: turns its actions into calls, their results into events, and
// tickets into leases. Owns the reconcile loop, the health checks and the cache of model facts.
// Loop thread only.

#include <plimsoll/base/result.hpp>
#include <plimsoll/core/config.hpp>
#include <plimsoll/core/forecast.hpp>
#include <plimsoll/core/snapshot.hpp>
#include <plimsoll/core/types.hpp>
#include <plimsoll/engine/foresight.hpp>
#include <plimsoll/memory/calibration.hpp>
#include <plimsoll/memory/estimate.hpp>
#include <plimsoll/memory/predict.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>
#include <plimsoll/probe/probe.hpp>
#include <plimsoll/store/store.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::engine {

// Whose num_ctx a native load gets: the client's, one number, or the largest that fits beside what
// is pinned.
enum class ContextPolicy : std::uint8_t { Client, Fixed, Fit };
// What becomes of a load that the upstream put on the CPU in part, because too little was free.
enum class CpuFallback : std::uint8_t { Accept, Shrink, Refuse };
enum class KeepAlivePolicy : std::uint8_t { Honour, Clamp, Override };

// [models."NAME"] of the configuration, after defaults.
struct ModelPolicy {
    bool pin = false;
    ContextPolicy context = ContextPolicy::Client;
    std::uint32_t num_ctx = 0;  // Fixed only
    bool clamp = false;         // Client: a wish that does not fit is cut to the largest that does
    std::optional<Duration> keep_alive;
    core::Priority priority = core::Priority::Normal;
    std::optional<Bytes> vram;  // overrides the prediction
};

struct EngineConfig {
    core::SchedulerConfig scheduler;
    bool enabled = true;  // management.enabled
    bool verbose = false;
    std::uint32_t default_num_ctx =
        4096;  // what the upstream gives when nobody asks (OLLAMA_CONTEXT_LENGTH)
    bool default_num_ctx_is_known = false;  // configured; else learned from the first bare row
    // The upstream's OLLAMA_KV_CACHE_TYPE and OLLAMA_FLASH_ATTENTION.
    memory::KvType kv_type = memory::KvType::F16;
    memory::FlashAttention flash_attention = memory::FlashAttention::Auto;
    memory::Device device;
    CpuFallback cpu_fallback = CpuFallback::Accept;
    Duration reconcile_interval = std::chrono::seconds(1);
    Duration info_ttl = std::chrono::seconds(10);  // model facts older than this are checked again
    std::map<std::string, ModelPolicy> models;     // by ModelName::key()
    KeepAlivePolicy keep_alive_policy = KeepAlivePolicy::Honour;
    Duration keep_alive_max = std::chrono::hours(24);  // Clamp
    // Runner options of clients that are cut out instead of becoming part of the key; "num_gpu=0"
    // means only that value.
    std::vector<std::string> cut_options = {"num_gpu=0"};
};

// One decision or state change, for GET /plimsoll/v1/events and the log.
struct EngineEvent {
    std::uint64_t sequence = 0;
    std::string upstream;
    std::string kind;  // "load", "loaded", "unload", "unloaded", "dispatch", "refuse", "notice",
                       // "upstream_down", ...
    std::string model;
    std::string text;  // the reason, for people
    std::string json;  // the same with numbers, one JSON object
};

// How a request stands that is in the queue.
struct Waiting {
    std::size_t position = 0;  // now: those of all models that came before and still wait, and it
    std::size_t came_as = 0;   // its position when it came
    Duration waited{};
};

// What a request needs, in the client's words.
struct AcquireRequest {
    std::string model;
    std::string client;
    std::string request_id;
    bool is_native = true;  // false: /v1, carries neither num_ctx nor keep_alive
    std::optional<std::int64_t> num_ctx, num_batch;
    core::RunnerOptions options;
    std::optional<core::KeepAlive> keep_alive;
    Bytes body;
    std::optional<Duration> deadline;        // how long it may wait
    std::optional<core::Priority> priority;  // nullopt: the model's
    // Awaited again and again while the request is in the queue: `wait_interval` after it came and
    // after each return. A lease that is granted meanwhile is taken when it returns. May be empty.
    std::function<net::Task<void>(Waiting const&)> on_wait;
    Duration wait_interval{};
};

// A refusal with what an answer needs.
struct Refused {
    Error error;
    std::optional<Duration> retry_after;
    core::RefuseKind kind = core::RefuseKind::UpstreamDown;
    // In the queue until it was refused, and its place there when it came; zero: it never waited.
    Duration waited{};
    std::size_t position = 0;
};

// A ready instance, in use. Its destructor gives it back, so that an abandoned request cannot hold
// VRAM.
class Lease {
  public:
    Lease() = default;
    ~Lease();
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;

    // Ends the lease with what became of the request; later calls do nothing.
    void end(core::TicketOutcome outcome);

    [[nodiscard]] explicit operator bool() const { return engine_ != nullptr; }

    // Of a lease that costs nothing all but free_of_charge is empty.
    core::InstanceId instance{};
    core::Form form = core::Form::Bare;
    core::RunnerSettings settings;  // what the request must say, or not say, upstream
    Duration waited{};
    std::size_t position = 0;     // in the queue when it came, of all models; 0: it did not wait
    bool free_of_charge = false;  // remote models: no lease on memory

  private:
    friend class Engine;
    class Engine* engine_ = nullptr;
    core::TicketId ticket_{};
};

// What a model would take, under settings that are the upstream's where they are left open.
struct EstimateRequest {
    std::string model;
    std::optional<std::int64_t> num_ctx, num_batch, parallel, draft_num_predict;
    std::optional<memory::KvType> kv_type;
    std::optional<memory::FlashAttention> flash_attention;
    // The largest context of these bytes; nullopt: of the budget, by what would be booked.
    std::optional<Bytes> fit;
};

struct EstimateAnswer {
    std::string model;
    memory::Estimate estimate;
    Bytes budget;
    // The largest that was seen of these very settings, as the upstream lists it; 0: never.
    Bytes measured;
    memory::Sizes sizes;      // of loads that it lists in full
    memory::Samples ratios;   // of listed over predicted, of this upstream's models
    memory::Samples process;  // bytes of a process beside its model
};

class StepObserver;

class Engine {
  public:
    // The store must outlive the loop, whose worker writes to it; the provider must outlive the
    // engine's tasks, which stop() waits for.
    Engine(net::Loop& loop, upstream::Provider& provider, store::Store& store, EngineConfig config);
    ~Engine();
    Engine(Engine const&) = delete;
    Engine& operator=(Engine const&) = delete;

    // Before start(), so that nothing is missed.
    void observe(std::shared_ptr<StepObserver> observer);
    // The driver of the cards that this upstream's models lie on, what they are called together,
    // and each for people, so that it can be learned what a process takes and where it lies.
    // Before start(); shared among engines of one loop.
    void use_device(
        std::shared_ptr<probe::MemoryProbe> probe,
        std::string id,
        std::vector<std::string> card_names = {}
    );
    // Empty, or one for each card.
    [[nodiscard]] std::vector<std::string> const& card_names() const;
    // Adopts what is loaded, starts health checks and the reconcile loop.
    void start();
    // No new tickets (Errc::Draining); queued ones are refused with a Retry-After.
    void drain();
    // After drain() and the last lease: hands idle models back with 5 m, stops the loops.
    net::Task<void> stop();

    // Waits until the model may be used. The error of a cancelled wait is Errc::Cancelled.
    net::Task<std::expected<Lease, Refused>> acquire(
        AcquireRequest request, net::Canceller& canceller
    );
    // A client's unload or keep-alive wish without a prompt. Error NotFound for an unknown model.
    net::Task<Result<void>> wish(AcquireRequest request);

    // Facts of a model, from the cache or the upstream.
    net::Task<Result<std::shared_ptr<upstream::ModelInfo const>>> resolve(std::string model);
    // A store request changed names: forget cached facts (all, or of one name).
    void forget(std::optional<std::string> model);
    // Before delete, create, pull or copy over a loaded model: drain and unload it, wait until its
    // row is gone.
    net::Task<Result<void>> unload_and_wait(std::string model, net::Canceller& canceller);

    // Operators. The result is the instance after the call.
    net::Task<Result<core::InstanceView>> load(AcquireRequest request, net::Canceller& canceller);
    net::Task<Result<void>> unload(std::string model, net::Canceller& canceller);
    net::Task<Result<core::InstanceView>> pin(
        AcquireRequest request, std::optional<Duration> for_how_long, net::Canceller& canceller
    );
    net::Task<Result<void>> unpin(std::string model);

    struct CleanupReport {
        std::vector<std::string> unloaded, kept;  // kept: "name: reason"
    };

    net::Task<CleanupReport> cleanup(net::Canceller& canceller);

    // Errors: NotFound; Unsupported for a remote model, or where management is off.
    net::Task<Result<Announcement>> announce(AcquireRequest request, Duration expected_in);
    // `client` needs the model no longer: unloads it unless somebody else does, and waits until
    // that is over. Never ends anybody else's wish.
    net::Task<Released> release(std::string model, std::string client, net::Canceller& canceller);

    // What would happen to this request now, without doing it: as one that nobody else follows.
    struct Plan {
        core::Demand demand;  // what would be loaded, and its charge
        core::Forecast forecast;
    };

    net::Task<Result<Plan>> plan(AcquireRequest request);

    // What a model would take. Errors: NotFound; Unsupported for one without a shape.
    net::Task<Result<EstimateAnswer>> estimate(EstimateRequest request);

    [[nodiscard]] core::Snapshot snapshot() const;
    // The expected waits of all that wait. Takes up to some milliseconds where many do.
    [[nodiscard]] core::Forecast forecast() const;
    [[nodiscard]] EngineConfig const& config() const;
    [[nodiscard]] upstream::Provider& provider();
    [[nodiscard]] upstream::Health health() const;
    [[nodiscard]] bool is_ready() const;  // the upstream answered and what was loaded is adopted
    // The rows of GET /api/ps with our expiry times: the upstream's JSON rows, edited.
    net::Task<Result<std::string>> ps_answer();
    void reconfigure(EngineConfig config);
    // A relayed request failed in a way that smells of memory, restart or eviction: reads the list
    // at once.
    void suspect_upstream(std::string why);

    using Listener = std::function<void(EngineEvent const&)>;
    // Undone by destroying the returned handle.
    [[nodiscard]] std::shared_ptr<void> subscribe(Listener listener);
    [[nodiscard]] std::vector<EngineEvent> recent_events(std::uint64_t after_sequence) const;

  private:
    friend class Lease;
    friend class Announcement;
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the tasks in flight
};

// Canonical text of form and settings, the key of measurements: "bare ctx=4096", "pinned ctx=8192
// batch=512 num_gpu=5".
std::string settings_key(core::Form form, core::RunnerSettings const& settings);
std::optional<std::pair<core::Form, core::RunnerSettings>> parse_settings_key(std::string_view text
);

}  // namespace plimsoll::engine
