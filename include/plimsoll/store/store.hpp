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

  private:
    struct Impl;
    explicit Store(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::store
