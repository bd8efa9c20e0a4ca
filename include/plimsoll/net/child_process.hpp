#pragma once
// A program that runs beside us and is spoken to line by line. Loop thread only.

#include <plimsoll/base/result.hpp>
#include <plimsoll/net/loop.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::net {

struct ChildCommand {
    std::string program;  // a path, or a name that is looked for in PATH
    std::vector<std::string> args;
    std::map<std::string, std::string> env;  // all of its environment
    std::size_t max_line = 1U << 20;         // bytes; longer lines are told of and left out
};

class ChildProcess {
  public:
    // Called on the loop, until the process was stopped.
    struct Listener {
        std::function<void(std::string_view line)> on_line;        // of its standard output
        std::function<void(std::size_t bytes)> on_long_line;       // at least so many
        std::function<void(std::string_view line)> on_error_line;  // of its standard error
        std::function<void()> on_end;  // its standard output has ended: it has, or soon will
    };

    // Error Io: not found, not executable, no more processes.
    static Result<std::unique_ptr<ChildProcess>> start(
        Loop& loop, ChildCommand const& command, Listener listener
    );
    // Stops it.
    ~ChildProcess();
    ChildProcess(ChildProcess const&) = delete;
    ChildProcess& operator=(ChildProcess const&) = delete;

    // Sends a line (the end is added). What it does not read is kept.
    void write_line(std::string line);
    // Closes its input; when it has ended, or after `grace`, it is killed with all that it started.
    // Nothing is told any more.
    void stop(Duration grace);

    [[nodiscard]] int pid() const;

    struct Impl;

  private:
    explicit ChildProcess(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace plimsoll::net
