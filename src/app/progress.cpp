#include "app/progress.hpp"

#include "app/json_view.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/base/time.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cstdio>

namespace plimsoll::app {
namespace {

constexpr std::size_t kBarWidth = 24;
constexpr std::size_t kLineWidth = 110;  // a line that wraps cannot be rewritten

std::string what_happens(std::string const& state) {
    if (state == "loading") {
        return "Loading ";
    }
    if (state == "unloading" || state == "draining" || state == "aborting") {
        return "Reloading ";
    }
    return state == "ready" ? "Loaded " : "Waiting for ";
}

// "3.2 s", always with its tenth, so that the line does not jump while it counts.
std::string moving(double seconds) {
    return seconds < 100 ? fmt::format("{:.1f} s", seconds)
                         : format_duration(from_seconds(seconds));
}

}  // namespace

ControlClient::OnProgress progress_on(Terminal const& terminal, std::string model) {
    if (!terminal.is_tty) {
        return {};
    }
    return [model = std::move(model)](boost::json::value const& event) {
        std::fprintf(stderr, "\r%s\x1b[K", progress_line(model, event).c_str());
        std::fflush(stderr);
    };
}

void end_progress(Terminal const& terminal) {
    if (terminal.is_tty) {
        std::fprintf(stderr, "\r\x1b[K");
        std::fflush(stderr);
    }
}

std::string progress_line(std::string const& model, boost::json::value const& event) {
    JsonView const view(event);
    double const elapsed = view["elapsed_seconds"].number().value_or(0);
    double const expected = view["expected_seconds"].number().value_or(0);
    std::string line = what_happens(view["state"].text()) + printable(model, 40) + "  ";
    if (expected > 0) {
        // Never full before the end: an expectation is no promise.
        double const share = std::clamp(elapsed / expected, 0.0, 0.97);
        auto const filled = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
        line += "[" + std::string(filled, '#') + std::string(kBarWidth - filled, ' ') + "]  ";
    }
    line += moving(elapsed);
    if (expected > 0) {
        line += " of about " + moving(expected);
    }
    if (auto const why = view["why"].text(); !why.empty()) {
        line += "  " + why;
    }
    return printable(line, kLineWidth);
}

}  // namespace plimsoll::app
