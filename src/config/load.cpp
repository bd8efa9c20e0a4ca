#include "config/overrides.hpp"
#include "config/reader.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>
#include <tuple>
#include <utility>

namespace plimsoll::config {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = 1U << 20;

std::expected<std::string, Problem> read_file(fs::path const& file) {
    auto const problem = [&file](std::string text) {
        return std::unexpected(Problem{.file = file.string(), .line = 0, .text = std::move(text)});
    };
    std::error_code error;
    if (fs::is_directory(file, error)) {
        return problem("this is a folder, not a configuration file");
    }
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return problem("cannot be read: " + std::system_category().message(errno));
    }
    std::string text(kLargestFile + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad()) {
        return problem("cannot be read to its end");
    }
    if (text.size() > kLargestFile) {
        return problem("is larger than 1 MiB; no configuration is");
    }
    return text;
}

// The user's own file wins over the machine's.
std::optional<fs::path> default_file() {
    std::vector<fs::path> places;
    char const* const xdg = std::getenv("XDG_CONFIG_HOME");
    char const* const home = std::getenv("HOME");
    if (xdg != nullptr && *xdg != '\0') {
        places.emplace_back(fs::path(xdg) / "plimsoll" / "plimsoll.toml");
    } else if (home != nullptr && *home != '\0') {
        places.emplace_back(fs::path(home) / ".config" / "plimsoll" / "plimsoll.toml");
    }
    places.emplace_back("/etc/plimsoll/plimsoll.toml");
    for (fs::path const& place : places) {
        std::error_code ignored;
        if (fs::exists(place, ignored)) {
            return place;
        }
    }
    return std::nullopt;
}

std::expected<Config, std::vector<Problem>> finish(Table const& table, Report& report) {
    Config config = read_config(table, report);
    cross_check(config, report);
    if (report.problems.empty()) {
        return config;
    }
    // From top to bottom of the file, as its author reads it.
    std::ranges::sort(report.problems, [](Problem const& a, Problem const& b) {
        return std::tie(a.file, a.line, a.text) < std::tie(b.file, b.line, b.text);
    });
    return std::unexpected(std::move(report.problems));
}

}  // namespace

std::expected<Config, std::vector<Problem>> parse(
    std::string_view toml, std::string_view file_name
) {
    auto const table = parse_toml(toml, file_name);
    if (!table) {
        return std::unexpected(std::vector{table.error()});
    }
    Report report;
    return finish(*table, report);
}

std::expected<Loaded, std::vector<Problem>> load(
    std::optional<fs::path> const& file, Overrides const& environment, Overrides const& flags
) {
    Loaded loaded;
    Table table;
    std::optional<fs::path> const chosen = file ? file : default_file();
    if (chosen) {
        auto const text = read_file(*chosen);
        if (!text) {
            return std::unexpected(std::vector{text.error()});
        }
        auto parsed = parse_toml(*text, chosen->string());
        if (!parsed) {
            return std::unexpected(std::vector{parsed.error()});
        }
        table = std::move(*parsed);
        loaded.sources.push_back(chosen->string());
    }
    Report report;
    apply_overrides(table, environment, Origin::Kind::Environment, report);
    apply_overrides(table, flags, Origin::Kind::Flag, report);
    auto config = finish(table, report);
    if (!config) {
        return std::unexpected(std::move(config).error());
    }
    loaded.config = std::move(*config);
    for (auto const& [path, origin] : report.origins) {
        loaded.origins.emplace(path, describe(origin));
    }
    return loaded;
}

}  // namespace plimsoll::config
