#pragma once
// What a scheduler was told and what it decided, as lines of JSON: written by a running daemon,
// read to replay it (docs/replay.md). Strings and streams only; whoever calls owns the file. Names
// of clients are written as a keyed hash. Not thread-safe.

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/core/action.hpp>
#include <plimsoll/core/config.hpp>
#include <plimsoll/core/event.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <istream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::trace {

struct Pool {
    std::string name;
    core::SchedulerConfig config;  // with which its scheduler began
};

struct RecordingHeader {
    std::string plimsoll;  // the version that recorded
    std::string started;   // wall-clock, for people
    // The recorder's clock at its start. All times are written relative to it, and a replay starts
    // there again: no rule can then see a difference.
    TimePoint origin{};
    std::vector<Pool> pools;
};

// One call of Scheduler::on.
struct Step {
    std::size_t pool = 0;  // index into RecordingHeader::pools
    TimePoint at{};
    core::Event event;
    std::vector<core::Action> actions;
};

// "client-" and sixteen hexadecimal digits: the same for the same name and salt, and without the
// salt nobody can try names (SipHash-2-4).
std::string hashed_name(std::string_view name, std::array<std::uint64_t, 2> const& salt);

// Each function gives one whole line with its end. A recording is a header, steps and an end; the
// end tells a recording that was ended from one that was cut off.
class RecordingWriter {
  public:
    RecordingWriter(RecordingHeader header, std::array<std::uint64_t, 2> salt)
        : header_(std::move(header)), salt_(salt) {}

    [[nodiscard]] std::string header_line() const;
    std::string step_line(Step const& step);
    [[nodiscard]] std::string end_line() const;

  private:
    void hide_owners(std::string& text) const;

    RecordingHeader header_;
    std::array<std::uint64_t, 2> salt_;
    std::uint64_t steps_ = 0;
    std::map<std::string, std::string> owners_;  // of pins, which notices name: to their hashes
};

// Reads a recording line by line. The stream must outlive it.
class RecordingReader {
  public:
    // Errors: Invalid, with the line, what is wrong there and what to do.
    static Result<RecordingReader> open(std::istream& in);

    // nullopt: there are no more.
    Result<std::optional<Step>> next();

    [[nodiscard]] RecordingHeader const& header() const { return header_; }

    [[nodiscard]] std::size_t line() const { return line_; }  // of the last step

    // After the last step: why the recording's end is missing; empty if it is there.
    [[nodiscard]] std::string const& missing_end() const { return missing_end_; }

  private:
    explicit RecordingReader(std::istream& in) : in_(&in) {}

    enum class Read : std::uint8_t { Whole, Cut, Nothing, TooLong };
    Read read_line();
    Result<void> read_header();
    Result<void> read_end();
    Result<Step> read_step();
    [[nodiscard]] std::unexpected<Error> bad(std::string_view what) const;

    std::istream* in_;
    RecordingHeader header_;
    std::string text_;  // of the current line
    std::size_t line_ = 0;
    std::uint64_t steps_ = 0;
    TimePoint last_{};
    bool is_over_ = false;
    std::string missing_end_;
};

// What kind of event or action it is, as the lines name it.
std::string_view kind_of(core::Event const& event);
std::string_view kind_of(core::Action const& action);
// An action as its line has it, so that equal texts are equal actions.
std::string action_text(core::Action const& action, TimePoint origin);
// Why, in its own words; empty where it says none.
std::string_view reason_of(core::Action const& action);

}  // namespace plimsoll::trace
