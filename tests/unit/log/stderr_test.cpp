#include "support/catch.hpp"

#include <plimsoll/log/log.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <regex>
#include <string>
#include <thread>
#include <vector>

using namespace plimsoll;

namespace {

// Standard error goes into a pipe while this lives.
class StderrPipe {
  public:
    StderrPipe() : saved_(::dup(STDERR_FILENO)) {
        REQUIRE(::pipe(ends_.data()) == 0);
        REQUIRE(::dup2(ends_[1], STDERR_FILENO) >= 0);
        ::close(ends_[1]);
    }

    ~StderrPipe() {
        restore();
        ::close(ends_[0]);
    }

    StderrPipe(StderrPipe const&) = delete;
    StderrPipe& operator=(StderrPipe const&) = delete;

    // What was written so far; ends the redirection.
    std::string take() {
        restore();
        std::string all;
        std::array<char, 4096> buffer{};
        while (true) {
            ssize_t const n = ::read(ends_[0], buffer.data(), buffer.size());
            if (n <= 0) {
                return all;
            }
            all.append(buffer.data(), static_cast<std::size_t>(n));
        }
    }

  private:
    void restore() {
        if (saved_ >= 0) {
            ::dup2(saved_, STDERR_FILENO);
            ::close(saved_);
            saved_ = -1;
        }
    }

    int saved_ = -1;
    std::array<int, 2> ends_{-1, -1};
};

}  // namespace

TEST_CASE(
    "log: plain lines on standard error begin with a UTC time in milliseconds", "[log][unit]"
) {
    StderrPipe pipe;
    log::configure({});
    log::write(log::Level::Info, "app", "ready", {{"port", std::int64_t{11435}}});
    std::string const text = pipe.take();
    static std::regex const kLine(
        R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO  app: ready port=11435\n)"
    );
    CHECK(std::regex_match(text, kLine));
}

TEST_CASE("log: a reload changes the format of the next line", "[log][unit]") {
    StderrPipe pipe;
    log::configure({.level = log::Level::Info, .format = log::Format::Json});
    log::write(log::Level::Info, "app", "100 % {} %v");
    log::configure({});
    std::string const text = pipe.take();
    static std::regex const kLine(
        R"lit(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"info","module":"app","message":"100 % \{\} %v"\}\n)lit"
    );
    CAPTURE(text);
    CHECK(std::regex_match(text, kLine));
}

TEST_CASE("log: lines of several threads do not mix", "[log][unit]") {
    StderrPipe pipe;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([] {
                for (int n = 0; n < 50; ++n) {
                    log::write(log::Level::Info, "app", "line");
                }
            });
        }
    }
    std::string const text = pipe.take();
    static std::regex const kLines(R"((?:\S+Z INFO  app: line\n){200})");
    CHECK(std::regex_match(text, kLines));
}
