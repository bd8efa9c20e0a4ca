#pragma once
// What survives a restart: measured sizes, load times, and which form our rows have. One SQLite
// file; every call may block and is meant for the worker thread, except open(). A broken file is
// set aside, never fatal. Not thread-safe: one thread at a time.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace plimsoll::store {

// `settings` is the canonical text of runner settings and form (engine::settings_key).
struct Measurement {
    std::string upstream;
    std::string weights;
    std::string settings;
    Bytes size;  // as the upstream listed it
    Bytes size_vram;
    Bytes charge;  // the largest that was ever right to book
    Duration load_time{};
    Duration unload_time{};
    Duration answer_time{};  // of one answer, on average
    std::uint64_t samples = 0;
    // Sizes of loads that the list shows in full, under `server`: what the upstream was told at its
    // start, and its version. memory::Sizes, flattened.
    std::string server;
    std::uint64_t size_count = 0, size_agreeing = 0;
    double size_mean = 0, size_squares = 0, size_largest = 0;
};

// Count, mean and spread of what was measured against predictions: memory::Samples, flattened.
struct Calibration {
    std::string upstream;
    std::string device;  // empty: no driver tells
    std::string what;    // "listed": listed over predicted; "process": bytes beside the model
    std::uint64_t count = 0;
    double mean = 0, squares = 0, largest = 0;
};

// A row that we loaded, so that after a crash its form is known.
struct KnownRow {
    std::string upstream;
    std::string weights;
    std::string model;
    std::string settings;
    Bytes charge;
};

// A run of a chain, so that it can be shown later, and go on after a crash. `document`, `vars` and
// `result` are JSON.
struct StoredRun {
    std::string id;
    std::string chain;     // name of the saved chain; empty: sent with the run
    std::string document;  // its specification
    std::string input;
    std::string vars;    // given with the run
    std::string client;  // who started it
    std::string status;  // "running" until it has ended
    bool is_durable = true;
    bool is_async = false;
    std::uint64_t started = 0, ended = 0;  // milliseconds since 1970; 0: not yet
    std::string result;                    // what it came to, without its steps
};

// A step that has ended. `key` tells executions of one run apart; `record` is JSON.
struct StoredStep {
    std::string key;
    std::string record;
};

// What a run told, but for tokens. `event` is JSON.
struct StoredEvent {
    std::uint64_t id = 0;
    std::string event;
};

class Store {
  public:
    // A file that cannot be read as ours (corrupt, newer version) is renamed aside and a new one
    // begun; `warning` says so. Fails only if no file can be had at all (then run without:
    // in_memory()).
    static Result<Store> open(std::filesystem::path const& file, std::string& warning);
    static Store in_memory();
    ~Store();
    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;

    Result<std::vector<Measurement>> measurements();
    Result<void> save(Measurement const& measurement);
    Result<std::vector<Calibration>> calibrations();
    Result<void> save(Calibration const& calibration);
    Result<std::vector<KnownRow>> known_rows();
    Result<void> save(KnownRow const& row);
    Result<void> forget_row(std::string const& upstream, std::string const& weights);

    // Replaces what was known of a run but its steps and events.
    Result<void> save(StoredRun const& run);
    // Step and events together, or none of them: a step has ended when this is written.
    Result<void> save_step(
        std::string const& run, StoredStep const& step, std::vector<StoredEvent> const& events
    );
    Result<void> save_events(std::string const& run, std::vector<StoredEvent> const& events);
    // The newest first, without documents, inputs and steps; `status` empty: of any.
    Result<std::vector<StoredRun>> runs(std::string const& status, std::uint64_t most);
    // Error NotFound.
    Result<StoredRun> run(std::string const& id);
    // In the order in which they ended.
    Result<std::vector<StoredStep>> steps(std::string const& run);
    Result<std::vector<StoredEvent>> events(std::string const& run, std::uint64_t after_id);
    // Deletes ended runs beyond the newest `most`, and those that ended before `since`
    // (milliseconds since 1970).
    Result<void> prune_runs(std::uint64_t most, std::uint64_t since);

  private:
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::store
