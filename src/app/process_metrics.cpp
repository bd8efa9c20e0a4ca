#include "app/process_metrics.hpp"

#include "app/cli.hpp"
#include "app/process.hpp"

#include <plimsoll/net/wall_clock.hpp>

#include <sys/resource.h>
#include <sys/time.h>

#include <chrono>
#include <string>
#include <utility>

namespace plimsoll::app {
namespace {

using metrics::Kind;
using metrics::Metric;

// Those of the process have the names that all client libraries give them.
constexpr Metric kBuild{
    .kind = Kind::Gauge,
    .name = "plimsoll_build_info",
    .help = "1; the label says which version this is.",
    .labels = {"version"}
};
constexpr Metric kStart{
    .kind = Kind::Gauge,
    .name = "process_start_time_seconds",
    .help = "When the process began, in seconds since 1970."
};
constexpr Metric kResident{
    .kind = Kind::Gauge, .name = "process_resident_memory_bytes", .help = "Bytes in memory."
};
constexpr Metric kOpenFiles{
    .kind = Kind::Gauge,
    .name = "process_open_fds",
    .help = "Descriptors that are open, sockets included."
};
constexpr Metric kMostFiles{
    .kind = Kind::Gauge, .name = "process_max_fds", .help = "Descriptors that the system allows."
};
constexpr Metric kProcessor{
    .kind = Kind::Counter,
    .name = "process_cpu_seconds_total",
    .help = "Processor time, of users and system."
};
constexpr Metric kConnections{
    .kind = Kind::Gauge,
    .name = "plimsoll_open_connections",
    .help = "Connections of clients that are open, idle ones included."
};
constexpr Metric kFailedTasks{
    .kind = Kind::Counter,
    .name = "plimsoll_failed_tasks_total",
    .help = "Tasks that an exception ended: mistakes of Plimsoll; must stay 0."
};
constexpr Metric kMalformed{
    .kind = Kind::Counter,
    .name = "plimsoll_malformed_requests_total",
    .help =
        "Requests that were refused before they had a path (no HTTP, a head that is too large, "
        "too many connections), by status; they are not among plimsoll_requests_total.",
    .labels = {"code"}
};

double seconds(timeval const& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

void tell_use(metrics::Reading& reading) {
    reading.set(kResident, {}, static_cast<double>(resident_memory().count()));
    reading.set(kOpenFiles, {}, static_cast<double>(open_files()));
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        reading.set(kMostFiles, {}, static_cast<double>(files.rlim_cur));
    }
    rusage use{};
    if (::getrusage(RUSAGE_SELF, &use) == 0) {
        reading.set(kProcessor, {}, seconds(use.ru_utime) + seconds(use.ru_stime));
    }
}

}  // namespace

void tell_process(
    metrics::Registry& registry, net::Loop& loop, std::function<std::size_t()> connections
) {
    double const began = std::chrono::duration<double>(net::wall_now()).count();
    registry.on_read([&loop, began, connections = std::move(connections)](metrics::Reading& reading
                     ) {
        reading.set(kBuild, {version()}, 1);
        reading.set(kStart, {}, began);
        tell_use(reading);
        reading.set(kConnections, {}, static_cast<double>(connections()));
        reading.set(kFailedTasks, {}, static_cast<double>(loop.failed_tasks()));
    });
    static_cast<void>(registry.counter(kMalformed, {"400"}));  // there from the start, at zero
}

void count_malformed(metrics::Registry& registry, unsigned status) {
    registry.counter(kMalformed, {std::to_string(status)}).increment();
}

}  // namespace plimsoll::app
