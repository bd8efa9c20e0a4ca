#include <plimsoll/base/text.hpp>
#include <plimsoll/net/child_process.hpp>

#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/writable_pipe.hpp>
#include <boost/process/v2.hpp>
// Boost 1.81 leaves it out of its header-only form.
#include <boost/process/v2/impl/environment.ipp>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <deque>
#include <unordered_map>
#include <utility>

namespace plimsoll::net {

namespace {

namespace asio = boost::asio;
namespace process = boost::process::v2;

constexpr std::size_t kMostErrorLine = 4096;

// Cuts what comes into lines.
class Lines {
  public:
    explicit Lines(std::size_t limit) : limit_(limit) {}

    template <class OnLine, class OnLong>
    void take(std::string_view bytes, OnLine const& on_line, OnLong const& on_long) {
        while (!bytes.empty()) {
            auto const end = bytes.find('\n');
            auto const part = bytes.substr(0, end);
            length_ += part.size();
            if (length_ <= limit_) {
                rest_ += part;
            } else {
                rest_.clear();
            }
            if (end == std::string_view::npos) {
                return;
            }
            bytes.remove_prefix(end + 1);
            auto const line = std::exchange(rest_, {});
            auto const length = std::exchange(length_, 0);
            if (length > limit_) {
                on_long(length);
            } else {
                on_line(std::string_view(line));
            }
        }
    }

  private:
    std::size_t limit_;
    std::size_t length_ = 0;  // of the line at hand
    std::string rest_;
};

// What the program is before it runs. Called in the child, where little more than system calls is
// safe.
struct Beginning {
    template <class Launcher, class Path, class Args>
    boost::system::error_code on_exec_setup(Launcher&, Path const&, Args const&) const {
        // A group of its own: it ends with all that it has started, and a Ctrl-C at our terminal is
        // meant for us.
        ::setpgid(0, 0);
        // If we are killed nobody else ends it.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        std::signal(SIGPIPE, SIG_DFL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        close_files();
        return {};
    }

    // Boost 1.81 means to close what the program must not have, our listening socket among it, but
    // leaves what lies between the numbers that it keeps.
    static void close_files() {
        constexpr unsigned kFirst = 3;
        constexpr unsigned kMost = 65'536;  // where the kernel is older than 5.11
        if (::close_range(kFirst, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
            return;
        }
        for (unsigned fd = kFirst; fd < kMost; ++fd) {
            ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
        }
    }

    // Boost would call exit(), which ends what belongs to the parent.
    template <class... Rest>
    void on_exec_error(Rest const&...) const {
        ::_exit(EXIT_FAILURE);
    }
};

}  // namespace

struct ChildProcess::Impl : std::enable_shared_from_this<Impl> {
    Impl(Loop& on, Listener with, std::size_t max_line)
        : loop(on),
          listener(std::move(with)),
          in(on.context()),
          out(on.context()),
          err(on.context()),
          child(on.context()),
          lines(max_line),
          error_lines(kMostErrorLine),
          killing(on) {}

    void read_out() {
        out.async_read_some(
            asio::buffer(out_buffer),
            [self = shared_from_this()](boost::system::error_code const& error, std::size_t size) {
                if (self->is_stopped) {
                    // What it still says is not heard; that it ends is.
                    error ? self->kill() : self->read_out();
                    return;
                }
                if (error) {
                    // May be moved away by what it calls.
                    auto const on_end = self->listener.on_end;
                    on_end();
                    return;
                }
                self->lines.take(
                    std::string_view(self->out_buffer.data(), size),
                    [&](std::string_view line) {
                        if (!self->is_stopped) {
                            self->listener.on_line(line);
                        }
                    },
                    [&](std::size_t length) {
                        if (!self->is_stopped) {
                            self->listener.on_long_line(length);
                        }
                    }
                );
                self->read_out();
            }
        );
    }

    void read_err() {
        err.async_read_some(
            asio::buffer(err_buffer),
            [self = shared_from_this()](boost::system::error_code const& error, std::size_t size) {
                if (error) {
                    return;
                }
                if (!self->is_stopped) {
                    self->error_lines.take(
                        std::string_view(self->err_buffer.data(), size),
                        [&](std::string_view line) { self->listener.on_error_line(line); },
                        [&](std::size_t) {}
                    );
                }
                self->read_err();
            }
        );
    }

    void write_next() {
        if (unsent.empty() || is_stopped) {
            return;
        }
        in.async_write_some(
            asio::buffer(unsent.front().data() + sent, unsent.front().size() - sent),
            [self = shared_from_this()](boost::system::error_code const& error, std::size_t size) {
                if (error || self->is_stopped) {
                    return;  // that it has ended is seen where it is read
                }
                self->sent += size;
                if (self->sent == self->unsent.front().size()) {
                    self->sent = 0;
                    self->unsent.pop_front();
                }
                self->write_next();
            }
        );
    }

    void stop(Duration grace) {
        if (std::exchange(is_stopped, true)) {
            return;
        }
        boost::system::error_code ignored;
        in.close(ignored);
        if (grace == Duration{}) {
            kill();
        } else {
            killing.arm(loop.now() + grace, [self = shared_from_this()] { self->kill(); });
        }
    }

    // A process that is not waited for stays as a zombie. After the kill there is nothing to wait
    // for that could last.
    void kill() {
        if (std::exchange(is_killed, true)) {
            return;
        }
        auto const self = shared_from_this();  // the timer may hold the last of it
        killing.cancel();
        boost::system::error_code ignored;
        out.close(ignored);
        err.close(ignored);
        auto const gone = std::make_shared<process::process>(std::move(child));
        loop.run_blocking(
            [gone] {
                // The group first: as long as nobody waited for the process the number is its own.
                ::kill(-gone->id(), SIGKILL);
                boost::system::error_code unknown;
                gone->wait(unknown);
            },
            [] {}
        );
    }

    Loop& loop;
    Listener listener;
    asio::writable_pipe in;
    asio::readable_pipe out, err;
    process::process child;
    std::array<char, 16384> out_buffer{};
    std::array<char, 4096> err_buffer{};
    Lines lines, error_lines;
    std::deque<std::string> unsent;
    std::size_t sent = 0;  // of the first
    Timer killing;
    bool is_stopped = false;
    bool is_killed = false;
};

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(
    Loop& loop, ChildCommand const& command, Listener listener
) {
    auto const is_path = command.program.contains('/');
    auto const program = is_path ? boost::filesystem::path(command.program)
                                 : process::environment::find_executable(command.program);
    if (program.empty()) {
        return fail(
            Errc::Io, "the program " + printable(command.program, 200) + " is not found in PATH"
        );
    }
    auto impl = std::make_shared<Impl>(loop, std::move(listener), command.max_line);
    std::unordered_map<process::environment::key, process::environment::value> env;
    for (auto const& [name, value] : command.env) {
        env.emplace(name, value);
    }
    boost::system::error_code error;
    process::default_process_launcher launcher;
    // With the executor: given the context Boost 1.81 forgets about `error` and throws.
    impl->child = launcher(
        loop.executor(),
        error,
        program,
        command.args,
        process::process_stdio{impl->in, impl->out, impl->err},
        process::process_environment(env),
        Beginning{}
    );
    if (error) {
        if (launcher.pid > 0) {
            ::waitpid(launcher.pid, nullptr, 0);  // it got as far as a process
        }
        Error failure(
            Errc::Io,
            "the program " + printable(command.program, 200) +
                " cannot be started: " + error.message()
        );
        return fail(std::move(failure));
    }
    impl->read_out();
    impl->read_err();
    return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(impl)));
}

ChildProcess::ChildProcess(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

ChildProcess::~ChildProcess() {
    impl_->stop(Duration{});
}

void ChildProcess::write_line(std::string line) {
    line += '\n';
    impl_->unsent.push_back(std::move(line));
    if (impl_->unsent.size() == 1) {
        impl_->write_next();
    }
}

void ChildProcess::stop(Duration grace) {
    impl_->stop(grace);
}

int ChildProcess::pid() const {
    return impl_->child.id();
}

}  // namespace plimsoll::net
