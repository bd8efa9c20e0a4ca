// What a service manager is told, read from a stand-in for its socket.

#include "app/supervision.hpp"

#include "app/standing.hpp"
#include "support/catch.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <semaphore>
#include <string>
#include <vector>

using namespace plimsoll;
using namespace plimsoll::app;
using namespace std::chrono_literals;

namespace {

// An abstract socket of a name that the system chooses.
class Manager {
  public:
    Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        REQUIRE(socket_ >= 0);
        sockaddr_un any{};
        any.sun_family = AF_UNIX;
        REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&any), sizeof(sa_family_t)) == 0);
        socklen_t size = sizeof any;
        REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&any), &size) == 0);
        address_ = "@" + std::string(any.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
    }

    ~Manager() { ::close(socket_); }

    Manager(Manager const&) = delete;
    Manager& operator=(Manager const&) = delete;

    [[nodiscard]] NotifySocket socket() const { return NotifySocket(address_); }

    [[nodiscard]] std::string const& address() const { return address_; }

    // What has come since the last call, a message each.
    std::vector<std::string> told() {
        std::vector<std::string> out;
        std::array<char, 4096> bytes{};
        ssize_t got = 0;
        while ((got = ::recv(socket_, bytes.data(), bytes.size(), 0)) >= 0) {
            out.emplace_back(bytes.data(), static_cast<std::size_t>(got));
        }
        return out;
    }

    // Whether anything comes within the time; blocks the caller's thread until then.
    bool hears_within(std::chrono::milliseconds limit) {
        pollfd one{socket_, POLLIN, 0};
        return ::poll(&one, 1, static_cast<int>(limit.count())) > 0;
    }

    std::size_t pings() {
        auto const all = told();
        return static_cast<std::size_t>(std::ranges::count(all, "WATCHDOG=1"));
    }

  private:
    int socket_;
    std::string address_;
};

using Lines = std::vector<std::string>;

UpstreamStanding ready_upstream() {
    UpstreamStanding one{.name = "ollama", .url = "http://127.0.0.1:11434"};
    one.is_ready = true;
    one.budget = gibibytes(22);
    one.charged = gibibytes(14);
    one.models = 2;
    one.waiting = 1;
    return one;
}

}  // namespace

TEST_CASE("standing: one line says what is charged, what waits and who is away", "[app]") {
    auto one = ready_upstream();
    CHECK(status_line({one}) == "2 models take 14 GiB of 22 GiB, 1 request waits");
    CHECK(is_settled({one}));

    auto other = ready_upstream();
    other.name = "box";
    other.url = "http://box:11434";
    other.is_ready = false;
    other.models = 0;
    other.waiting = 0;
    other.charged = {};
    CHECK_FALSE(is_settled({one, other}));
    CHECK(
        status_line({one, other}) ==
        "2 models take 14 GiB of 44 GiB, 1 request waits; upstream box at http://box:11434 has "
        "not answered yet"
    );
    other.has_failed = true;
    other.why = "connection\nrefused";
    CHECK(is_settled({one, other}));
    // A line break would begin another assignment.
    CHECK(status_line({one, other}).find('\n') == std::string::npos);
    CHECK_THAT(status_line({one, other}), ContainsSubstring("box at http://box:11434 is down: "));

    one.is_managed = false;
    CHECK(status_line({one}) == "plain pass-through: management is off");
}

TEST_CASE("supervision: ready is told when it is settled, and not before", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    Manager manager;
    Standing standing{false, "a"};
    Supervision supervision(loop, manager.socket(), std::nullopt, [&] { return standing; });
    supervision.start();
    CHECK(manager.told() == Lines{"STATUS=Starting: a"});
    loop.advance(5s);
    CHECK(manager.told().empty());
    standing = {true, "b"};
    loop.advance(1s);
    CHECK(manager.told() == Lines{"READY=1\nSTATUS=b"});
}

TEST_CASE("supervision: an upstream that never answers does not hold up the start", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    Manager manager;
    Supervision supervision(loop, manager.socket(), std::nullopt, [] {
        return Standing{false, "a"};
    });
    supervision.start();
    loop.advance(14s);
    CHECK(manager.told() == Lines{"STATUS=Starting: a"});
    loop.advance(2s);
    CHECK(manager.told() == Lines{"READY=1\nSTATUS=a"});
}

TEST_CASE("supervision: the status is told when it changes, every two seconds at most", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    Manager manager;
    int looks = 0;
    bool is_moving = false;
    Supervision supervision(loop, manager.socket(), std::nullopt, [&] {
        ++looks;
        return Standing{true, is_moving ? std::to_string(looks) : "still"};
    });
    supervision.start();
    CHECK(manager.told() == Lines{"READY=1\nSTATUS=still"});
    loop.advance(1min);
    CHECK(manager.told().empty());
    is_moving = true;
    loop.advance(10s);
    CHECK(manager.told().size() == 5);
}

TEST_CASE("supervision: a reload is told with its time and its end", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    Manager manager;
    Supervision supervision(loop, manager.socket(), std::nullopt, [] {
        return Standing{true, "a"};
    });
    supervision.start();
    static_cast<void>(manager.told());

    supervision.reloading();
    // The manual clock stands at one hour.
    CHECK(
        manager.told() ==
        Lines{"RELOADING=1\nMONOTONIC_USEC=3600000000\nSTATUS=Reading the configuration"}
    );
    supervision.reloaded(2);
    auto const failed = manager.told();
    REQUIRE(failed.size() == 2);
    CHECK(failed[0] == "READY=1");
    CHECK_THAT(failed[1], ContainsSubstring("STATUS=a; the last reload failed with 2 problems"));

    supervision.reloading();
    static_cast<void>(manager.told());
    supervision.reloaded(0);
    CHECK(manager.told() == Lines{"READY=1", "STATUS=a"});
}

TEST_CASE("supervision: a reload before readiness does not claim it", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    Manager manager;
    Supervision supervision(loop, manager.socket(), std::nullopt, [] {
        return Standing{false, "a"};
    });
    supervision.start();
    supervision.reloading();
    supervision.reloaded(0);
    for (auto const& message : manager.told()) {
        CHECK_THAT(message, !ContainsSubstring("READY=1"));
    }
}

TEST_CASE("supervision: the end is told with the time that it may take", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    Manager manager;
    Supervision supervision(loop, manager.socket(), 10s, [] { return Standing{true, "a"}; });
    supervision.start();
    static_cast<void>(manager.told());
    supervision.stopping(3, 90s);
    CHECK(
        manager.told() ==
        Lines{"STOPPING=1\nEXTEND_TIMEOUT_USEC=90000000\nSTATUS=Ending: 3 connections may finish"}
    );
    // Still alive while answers finish, and the last status stays.
    loop.advance(20s);
    auto const after = manager.told();
    CHECK(after.size() == 4);
    CHECK(std::ranges::count(after, "WATCHDOG=1") == 4);
}

TEST_CASE("supervision: signs of life come at half the interval", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    Manager manager;
    Supervision supervision(loop, manager.socket(), 30s, [] { return Standing{true, "a"}; });
    supervision.start();
    CHECK(manager.pings() == 1);
    loop.advance(1min);
    CHECK(manager.pings() == 4);
}

TEST_CASE("supervision: a loop that hangs gives no sign of life", "[app]") {
    net::Loop loop;
    Manager manager;
    Supervision supervision(loop, manager.socket(), 100ms, [] { return Standing{true, "a"}; });
    supervision.start();
    bool was_heard_while_hanging = true;
    bool was_heard_after = false;
    net::Timer hang(loop);
    net::Timer end(loop);
    hang.arm(loop.now() + 300ms, [&] {
        CHECK(manager.pings() >= 1);
        // Twenty pings would be due; the worker thread is free to send them.
        was_heard_while_hanging = manager.hears_within(1s);
        end.arm(loop.now() + 2s, [&] { was_heard_after = manager.pings() > 0; });
    });
    loop.run();
    CHECK_FALSE(was_heard_while_hanging);
    CHECK(was_heard_after);
}

TEST_CASE("supervision: a worker that hangs for long ends the signs of life", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    Manager manager;
    Supervision supervision(loop, manager.socket(), 1min, [] { return Standing{true, "a"}; });
    std::binary_semaphore go_on(0);
    std::binary_semaphore went_on(0);
    loop.run_blocking([&] { go_on.acquire(); }, [] {});
    supervision.start();
    loop.advance(4min);
    CHECK(manager.pings() >= 8);
    loop.advance(2min);
    static_cast<void>(manager.told());
    loop.advance(10min);
    CHECK(manager.pings() == 0);

    loop.run_blocking([&] { went_on.release(); }, [] {});
    go_on.release();
    went_on.acquire();
    // The worker's answers before the last one are in the loop's queue by now.
    loop.advance(2min);
    CHECK(manager.pings() >= 2);
}

TEST_CASE("supervision: without a manager nothing is looked at", "[app]") {
    net::Loop loop(net::ClockMode::Manual);
    int looks = 0;
    Supervision supervision(loop, NotifySocket(""), 1s, [&] {
        ++looks;
        return Standing{true, "a"};
    });
    supervision.start();
    supervision.reloading();
    supervision.reloaded(0);
    supervision.stopping(0, 1s);
    loop.advance(1min);
    CHECK(looks == 0);
}

TEST_CASE("notify socket: addresses and the watchdog come from the environment", "[app]") {
    Manager manager;
    ::setenv("NOTIFY_SOCKET", manager.address().c_str(), 1);
    CHECK(NotifySocket::from_environment().send("READY=1"));
    CHECK(manager.told() == Lines{"READY=1"});
    for (auto const* wrong : {"", "@", "vsock:2:1234", "relative"}) {
        ::setenv("NOTIFY_SOCKET", wrong, 1);
        CHECK_FALSE(NotifySocket::from_environment().is_there());
    }
    CHECK_FALSE(NotifySocket("/" + std::string(200, 'x')).is_there());
    CHECK_FALSE(NotifySocket("/nobody/listens").send("READY=1"));
    ::unsetenv("NOTIFY_SOCKET");

    ::unsetenv("WATCHDOG_PID");
    ::setenv("WATCHDOG_USEC", "30000000", 1);
    CHECK(watchdog_from_environment() == std::optional<Duration>(30s));
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    CHECK(watchdog_from_environment() == std::optional<Duration>(30s));
    ::setenv("WATCHDOG_PID", "1", 1);
    CHECK_FALSE(watchdog_from_environment());
    ::unsetenv("WATCHDOG_PID");
    for (auto const* wrong : {"0", "", "-5", "soon", "18446744073709551615"}) {
        ::setenv("WATCHDOG_USEC", wrong, 1);
        CHECK_FALSE(watchdog_from_environment());
    }
    ::unsetenv("WATCHDOG_USEC");
}
