#include "app/supervision.hpp"

#include <plimsoll/log/log.hpp>

#include <spdlog/fmt/fmt.h>

#include <chrono>
#include <utility>

namespace plimsoll::app {
namespace {

constexpr log::Logger kLog("app");

// Until readiness is told somebody waits for it; later the status is only for people.
constexpr Duration kLookWhileStarting = std::chrono::milliseconds(50);
constexpr Duration kLook = std::chrono::seconds(2);
// An upstream that takes the connection and says nothing must not hold up the start of a machine.
constexpr Duration kSettleLimit = std::chrono::seconds(15);
// Names that do not resolve occupy the worker for a while, and a restart would not mend that.
constexpr Duration kWorkerLimit = std::chrono::minutes(5);

std::uint64_t microseconds(Duration d) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(d).count()
    );
}

}  // namespace

Supervision::Supervision(
    net::Loop& loop,
    NotifySocket socket,
    std::optional<Duration> watchdog,
    std::function<Standing()> look
)
    : loop_(loop),
      socket_(std::move(socket)),
      watchdog_(watchdog),
      look_(std::move(look)),
      tick_(loop, false),
      ping_(loop, false),
      worker_asked_(std::make_shared<std::optional<TimePoint>>()) {}

void Supervision::start() {
    if (!socket_.is_there()) {
        return;
    }
    started_ = loop_.now();
    tick();
    if (watchdog_) {
        ping();
    }
}

std::string Supervision::status(std::string const& line) const {
    if (problems_ == 0) {
        return line;
    }
    return fmt::format(
        "{}; the last reload failed with {} problem{}, the old configuration is in force: see the "
        "log",
        line,
        problems_,
        problems_ == 1 ? "" : "s"
    );
}

void Supervision::tick() {
    if (is_stopping_) {
        return;
    }
    auto const standing = look_();
    bool const is_ready =
        is_ready_ || standing.is_settled || loop_.now() - started_ >= kSettleLimit;
    auto const text = status((is_ready ? "" : "Starting: ") + standing.line);
    if (is_ready != is_ready_ || text != told_) {
        // What the manager did not take is said again at the next look.
        if (socket_.send((is_ready != is_ready_ ? "READY=1\nSTATUS=" : "STATUS=") + text)) {
            is_ready_ = is_ready;
            told_ = text;
        }
    }
    tick_.arm(loop_.now() + (is_ready_ ? kLook : kLookWhileStarting), [this] { tick(); });
}

void Supervision::ping() {
    auto const now = loop_.now();
    if (!*worker_asked_) {
        *worker_asked_ = now;
        loop_.run_blocking([] {}, [asked = worker_asked_] { asked->reset(); });
    }
    bool const is_silent = *worker_asked_ && now - **worker_asked_ > kWorkerLimit;
    if (is_silent && !is_worker_silent_) {
        kLog.error(
            "The worker thread hangs: no more signs of life to the service manager, which restarts "
            "Plimsoll",
            {{"silent_for", std::string_view(format_duration(now - **worker_asked_))}}
        );
    }
    is_worker_silent_ = is_silent;
    if (!is_silent) {
        static_cast<void>(socket_.send("WATCHDOG=1"));  // a lost one is made good by the next
    }
    ping_.arm(now + *watchdog_ / 2, [this] { ping(); });
}

void Supervision::reloading() {
    static_cast<void>(socket_.send(fmt::format(
        "RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=Reading the configuration",
        microseconds(loop_.now().time_since_epoch())
    )));
}

void Supervision::reloaded(std::size_t problems) {
    problems_ = problems;
    if (!socket_.is_there() || is_stopping_) {
        return;
    }
    // A reload before readiness must not claim it; what the manager does not take now, tick() says.
    told_.clear();
    is_ready_ = is_ready_ && socket_.send("READY=1");
    tick();
}

void Supervision::stopping(std::size_t connections, Duration limit) {
    is_stopping_ = true;
    tick_.cancel();
    static_cast<void>(socket_.send(fmt::format(
        "STOPPING=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS=Ending: {} connection{} may finish",
        microseconds(limit),
        connections,
        connections == 1 ? "" : "s"
    )));
}

}  // namespace plimsoll::app
