#include "log/line.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/log/log.hpp>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

namespace plimsoll::log {

namespace {

// Never destroyed: threads may still log while static objects go away at exit.
struct State {
    std::mutex mutex;
    std::atomic<Level> level = Level::Info;
    Format format = Format::Plain;
    std::move_only_function<void(std::string_view)> capture;
    std::shared_ptr<spdlog::logger> logger;

    State() {
        logger =
            std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        logger->set_level(spdlog::level::trace
        );  // levels are filtered here, before any text is made
        // A full disk behind stderr must not make the daemon write more to it.
        logger->set_error_handler([](std::string const&) {});
        set_pattern();
    }

    // spdlog adds the time: ISO 8601 with milliseconds in UTC, so that lines of several machines
    // sort together.
    void set_pattern() {
        std::string const pattern = format == Format::Plain
                                        ? "%Y-%m-%dT%H:%M:%S.%eZ %v"
                                        : "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v";
        logger->set_pattern(pattern, spdlog::pattern_time_type::utc);
    }
};

State& state() {
    static State* const instance = new State;
    return *instance;
}

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
    if (iequals(text, "debug")) {
        return Level::Debug;
    }
    if (iequals(text, "info")) {
        return Level::Info;
    }
    if (iequals(text, "warning") || iequals(text, "warn")) {
        return Level::Warning;
    }
    if (iequals(text, "error")) {
        return Level::Error;
    }
    return std::nullopt;
}

void configure(LogConfig const& config) {
    State& s = state();
    std::scoped_lock const lock(s.mutex);
    s.level = config.level;
    s.format = config.format;
    s.set_pattern();
}

LogConfig current() {
    State& s = state();
    std::scoped_lock const lock(s.mutex);
    return {.level = s.level, .format = s.format};
}

bool Logger::is_enabled(Level level) {
    return level >= state().level.load(std::memory_order_relaxed);
}

void write(
    Level level,
    std::string_view module,
    std::string_view message,
    std::initializer_list<Field> fields,
    std::string_view request
) {
    if (!Logger::is_enabled(level)) {
        return;
    }
    State& s = state();
    Record const record{level, module, message, fields, request};
    // The lock covers the format as well: a reload must not pair a plain line with JSON's time.
    std::scoped_lock const lock(s.mutex);
    bool const is_json = s.format == Format::Json;
    std::string const line = is_json ? json_line(record) : plain_line(record);
    if (s.capture) {
        s.capture(line);
        return;
    }
    std::string_view const rest =
        is_json ? std::string_view(line).substr(1) : std::string_view(line);
    s.logger->log(spdlog::level::info, spdlog::string_view_t(rest.data(), rest.size()));
}

void capture_for_test(std::move_only_function<void(std::string_view)> sink) {
    State& s = state();
    std::scoped_lock const lock(s.mutex);
    s.capture = std::move(sink);
}

}  // namespace plimsoll::log
