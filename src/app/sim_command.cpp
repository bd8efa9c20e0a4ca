#include "app/process.hpp"
#include "app/run.hpp"

#include <plimsoll/net/wait.hpp>

#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace plimsoll::app {
namespace {

constexpr Duration kGrace = std::chrono::seconds(2);
constexpr Duration kPoll = std::chrono::milliseconds(10);

// Closes everything, waits for the sessions to end, and frees the simulated server: its timers (a
// model's expiry in five minutes) would keep the loop alive. There is nothing to lose here, so what
// hangs is left behind.
net::Task<void> end_simulation(
    net::Loop& loop, std::unique_ptr<sim::Simulator>& simulator, boost::asio::signal_set& signals
) {
    simulator->close();
    auto const until = loop.now() + kGrace;
    while (loop.running_tasks() > 1) {  // this one is counted
        if (loop.now() >= until) {
            std::_Exit(0);
        }
        co_await net::sleep_until(loop, loop.now() + kPoll);
    }
    simulator.reset();
    signals.cancel();
}

}  // namespace

int run_sim(SimOptions const& options) {
    prepare_process();
    net::Loop loop;
    auto made = sim::Simulator::make(loop, options.sim);
    if (!made) {
        std::fprintf(stderr, "plimsoll sim: %s\n", made.error().message.c_str());
        return 2;
    }
    auto simulator = std::move(*made);
    auto const listening = simulator->listen();
    if (!listening) {
        std::fprintf(stderr, "plimsoll sim: %s\n", listening.error().message.c_str());
        return 1;
    }
    auto const where = authority_of(options.sim.address, simulator->port());
    std::printf("plimsoll sim listens on http://%s\n", where.c_str());
    std::fflush(stdout);

    boost::asio::signal_set signals(loop.context(), SIGTERM, SIGINT);
    signals.async_wait([&](boost::system::error_code const& error, int) {
        if (error) {
            return;
        }
        signals.async_wait([](boost::system::error_code const& cancelled, int number) {
            if (!cancelled) {
                std::_Exit(128 + number);
            }
        });
        // Last, since it may end before it returns, and takes that second wait away.
        loop.spawn("end", end_simulation(loop, simulator, signals));
    });
    loop.run();
    return 0;
}

}  // namespace plimsoll::app
