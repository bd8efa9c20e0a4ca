#pragma once
// The simulator's own account of its memory and its loads: what really was, to compare with what
// somebody believed. Loop thread only.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/time.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

namespace plimsoll::sim {

// Physical memory: whoever asks for more than is free does not get it.
class Vram {
  public:
    explicit Vram(Bytes physical) : physical_(physical) {}

    [[nodiscard]] bool take(Bytes bytes);

    void give_back(Bytes bytes) { in_use_ -= bytes; }

    void reset_peak() { peak_ = in_use_; }

    [[nodiscard]] Bytes physical() const { return physical_; }

    [[nodiscard]] Bytes in_use() const { return in_use_; }

    [[nodiscard]] Bytes free() const { return physical_ - in_use_; }

    [[nodiscard]] Bytes peak() const { return peak_; }

  private:
    Bytes physical_, in_use_, peak_;
};

struct Counters {
    std::uint64_t out_of_memory = 0;
    std::uint64_t loads = 0;  // finished
    std::uint64_t unloads = 0;
    std::uint64_t aborted_loads = 0;  // the client that asked has gone
    std::uint64_t failed_loads = 0;
    std::uint64_t reloads = 0;         // unloads to load the same weights with other settings
    std::uint64_t self_evictions = 0;  // unloads that the server decided on to make room
    std::uint64_t crashes = 0;
    std::uint64_t busy = 0;    // 503
    std::uint64_t faults = 0;  // on demand
};

class Books {
  public:
    explicit Books(Bytes physical) : vram(physical) {}

    Vram vram;
    Counters count;

    void begin(TimePoint now) { begin_ = now; }

    void request(std::string_view model) { ++requests_[std::string(model)]; }

    void note(
        TimePoint now,
        std::string_view what,
        std::string_view model,
        Bytes bytes,
        std::string_view detail = {}
    );
    // Peak, counters, requests and the log; what is in memory stays.
    void reset();
    [[nodiscard]] boost::json::object to_json() const;

  private:
    struct Entry {
        double ms = 0;
        std::string what, model, detail;
        Bytes bytes, in_use;
    };

    static constexpr std::size_t kMaxLog = 20'000;
    TimePoint begin_;
    std::map<std::string, std::uint64_t> requests_;
    std::deque<Entry> log_;
};

}  // namespace plimsoll::sim
