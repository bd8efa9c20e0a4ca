#pragma once
// Writes what the schedulers are told and decide into a file. The loop's thread only copies; lines
// are made and written on the worker, at least once a second. A disk that is full, or too slow,
// ends the recording with one warning and nothing else. Loop thread only.

#include <plimsoll/engine/step_observer.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/trace/recording.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <vector>

namespace plimsoll::app {

class Recorder : public std::enable_shared_from_this<Recorder> {
  public:
    // What stands under that name already is kept as FILE.old. Errors: Io.
    static Result<std::shared_ptr<Recorder>> open(
        net::Loop& loop, std::filesystem::path const& file, std::vector<trace::Pool> pools
    );
    ~Recorder();
    Recorder(Recorder const&) = delete;
    Recorder& operator=(Recorder const&) = delete;

    // For the engine of that pool, by its index. It may outlive the recorder.
    [[nodiscard]] std::shared_ptr<engine::StepObserver> observer(std::size_t pool);
    // Writes what is left, and the end. Nothing is recorded after it.
    void finish();

  private:
    class Observer;
    struct File;
    enum class Part : std::uint8_t { Middle, End };

    Recorder(net::Loop& loop, std::shared_ptr<File> file);

    void take(trace::Step step);
    void write(Part part);
    void give_up(std::string const& why);

    net::Loop& loop_;
    std::shared_ptr<File> file_;  // shared with the worker
    std::vector<trace::Step> pending_;
    net::Timer timer_;
    std::size_t being_written_ = 0;  // steps
    bool is_over_ = false;
    bool has_failed_ = false;
};

}  // namespace plimsoll::app
