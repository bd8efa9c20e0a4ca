#pragma once
// One line an event: a message for people and key=value fields, plain or JSON, with the request id
// where there is one. Never prompts, bodies or keys. Callable from any thread.

#include <plimsoll/base/result.hpp>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace plimsoll::log {

enum class Level : std::uint8_t { Debug, Info, Warning, Error };
enum class Format : std::uint8_t { Plain, Json };

struct LogConfig {
    Level level = Level::Info;
    Format format = Format::Plain;
};

std::optional<Level> parse_level(std::string_view text);

// Writes to standard error. Called once at start and again on reload.
void configure(LogConfig const& config);
LogConfig current();

struct Field {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool> value;
};

// `request` is the request id, empty outside of one. Values are made printable: one call is exactly
// one line.
void write(
    Level level,
    std::string_view module,
    std::string_view message,
    std::initializer_list<Field> fields = {},
    std::string_view request = {}
);

// Bound to a module; the usual way to log.
class Logger {
  public:
    explicit constexpr Logger(std::string_view module) : module_(module) {}

    [[nodiscard]] static bool is_enabled(Level level);

    void debug(
        std::string_view message,
        std::initializer_list<Field> fields = {},
        std::string_view request = {}
    ) const {
        if (is_enabled(Level::Debug)) {
            write(Level::Debug, module_, message, fields, request);
        }
    }

    void info(
        std::string_view message,
        std::initializer_list<Field> fields = {},
        std::string_view request = {}
    ) const {
        if (is_enabled(Level::Info)) {
            write(Level::Info, module_, message, fields, request);
        }
    }

    void warning(
        std::string_view message,
        std::initializer_list<Field> fields = {},
        std::string_view request = {}
    ) const {
        write(Level::Warning, module_, message, fields, request);
    }

    void error(
        std::string_view message,
        std::initializer_list<Field> fields = {},
        std::string_view request = {}
    ) const {
        write(Level::Error, module_, message, fields, request);
    }

  private:
    std::string_view module_;
};

// Lets a test read what would have been written: every line, without its time, goes to `sink` until
// the next call.
void capture_for_test(std::move_only_function<void(std::string_view)> sink);

}  // namespace plimsoll::log
