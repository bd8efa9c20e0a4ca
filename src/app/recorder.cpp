#include "app/recorder.hpp"

#include "app/cli.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/log/log.hpp>

#include <fcntl.h>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <random>
#include <system_error>
#include <utility>

namespace plimsoll::app {
namespace {

namespace fs = std::filesystem;

constexpr log::Logger kLog("record");

constexpr Duration kPause = std::chrono::milliseconds(500);  // what a crash may lose
constexpr std::size_t kBatch = 1024;                         // steps; more are written at once
// A disk that is this far behind will not catch up, and what waits is memory.
constexpr std::size_t kMostWaiting = 64 * kBatch;

std::string wall_clock() {
    std::time_t const now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    return fmt::format(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        parts.tm_year + 1900,
        parts.tm_mon + 1,
        parts.tm_mday,
        parts.tm_hour,
        parts.tm_min,
        parts.tm_sec
    );
}

std::uint64_t random_word() {
    std::random_device source;
    return std::uint64_t{source()} << 32U | source();
}

std::string last_failure() {
    return std::system_category().message(errno);
}

}  // namespace

// Used by the worker only, once it is open.
struct Recorder::File {
    File(int descriptor, trace::RecordingHeader header)
        : descriptor_(descriptor), writer_(std::move(header), {random_word(), random_word()}) {}

    ~File() { ::close(descriptor_); }

    File(File const&) = delete;
    File& operator=(File const&) = delete;

    // What went wrong, now or before; empty: nothing.
    std::string write(std::vector<trace::Step> const& steps, Part part) {
        std::string text = std::exchange(has_header_, true) ? "" : writer_.header_line();
        for (auto const& step : steps) {
            text += writer_.step_line(step);
        }
        if (part == Part::End) {
            text += writer_.end_line();
        }
        put(text);
        return failure_;
    }

  private:
    void put(std::string_view text) {
        while (!text.empty() && failure_.empty()) {
            auto const written = ::write(descriptor_, text.data(), text.size());
            if (written >= 0) {
                text.remove_prefix(static_cast<std::size_t>(written));
            } else if (errno != EINTR) {
                failure_ = last_failure();
            }
        }
    }

    int descriptor_;
    trace::RecordingWriter writer_;
    bool has_header_ = false;
    std::string failure_;
};

class Recorder::Observer final : public engine::StepObserver {
  public:
    Observer(std::weak_ptr<Recorder> recorder, std::size_t pool)
        : recorder_(std::move(recorder)), pool_(pool) {}

    void on_step(
        core::Event const& event,
        TimePoint now,
        std::vector<core::Action> const& actions,
        core::Counters const& /*so_far*/
    ) override {
        auto const recorder = recorder_.lock();
        if (recorder && !recorder->is_over_) {
            recorder->take({pool_, now, event, actions});
        }
    }

  private:
    std::weak_ptr<Recorder> recorder_;
    std::size_t pool_;
};

Recorder::Recorder(net::Loop& loop, std::shared_ptr<File> file)
    : loop_(loop), file_(std::move(file)), timer_(loop, false) {}

Recorder::~Recorder() = default;

Result<std::shared_ptr<Recorder>> Recorder::open(
    net::Loop& loop, fs::path const& file, std::vector<trace::Pool> pools
) {
    std::error_code absent;
    std::error_code failure;
    if (fs::is_regular_file(file, absent) && fs::file_size(file, absent) > 0) {
        // Most likely the recording of the process before this one, perhaps of its crash.
        fs::rename(file, fs::path(file) += ".old", failure);
    }
    // What was asked when is nobody else's business.
    int const descriptor =
        failure ? -1 : ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return fail(
            Errc::Io,
            fmt::format(
                "cannot record to {}: {}; name another file with --record, or record without",
                printable(file.string(), 200),
                failure ? failure.message() : last_failure()
            )
        );
    }
    trace::RecordingHeader header{
        std::string(version()), wall_clock(), loop.now(), std::move(pools)
    };
    auto made = std::shared_ptr<Recorder>(
        new Recorder(loop, std::make_shared<File>(descriptor, std::move(header)))
    );
    kLog.info("Recording to " + file.string());
    return made;
}

std::shared_ptr<engine::StepObserver> Recorder::observer(std::size_t pool) {
    return std::make_shared<Observer>(weak_from_this(), pool);
}

void Recorder::take(trace::Step step) {
    pending_.push_back(std::move(step));
    if (pending_.size() + being_written_ > kMostWaiting) {
        give_up(fmt::format("{} events wait to be written", kMostWaiting));
    } else if (pending_.size() >= kBatch) {
        write(Part::Middle);
    } else if (!timer_.is_armed()) {
        timer_.arm(loop_.now() + kPause, [this] { write(Part::Middle); });
    }
}

void Recorder::write(Part part) {
    timer_.cancel();
    auto const count = pending_.size();
    being_written_ += count;
    auto const failure = std::make_shared<std::string>();
    loop_.run_blocking(
        [file = file_, steps = std::exchange(pending_, {}), part, failure] {
            *failure = file->write(steps, part);
        },
        [weak = weak_from_this(), count, failure] {
            auto const self = weak.lock();
            if (!self) {
                return;
            }
            self->being_written_ -= count;
            if (!failure->empty()) {
                self->give_up(*failure);
            }
        }
    );
}

void Recorder::give_up(std::string const& why) {
    is_over_ = true;
    if (!std::exchange(has_failed_, true)) {
        kLog.warning("Recording ended, everything else goes on: " + why);
    }
    pending_.clear();
    timer_.cancel();
}

void Recorder::finish() {
    if (!is_over_) {
        write(Part::End);
        is_over_ = true;
    }
}

}  // namespace plimsoll::app
