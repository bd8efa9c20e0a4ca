#include "app/doctor/report.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::app::doctor {
namespace {

constexpr std::size_t kLongest = 2000;   // bytes of a sentence
constexpr std::size_t kIndent = 24;      // columns before it
constexpr std::size_t kLeastWidth = 30;  // narrower, the terminal breaks it better
constexpr std::string_view kFix = "fix:";

std::ptrdiff_t count(Findings const& findings, Level level) {
    return std::ranges::count(findings, level, &Finding::level);
}

Colour colour_of(Level level) {
    switch (level) {
        case Level::Ok:
            return Colour::Green;
        case Level::Warning:
            return Colour::Yellow;
        case Level::Problem:
            return Colour::Red;
    }
    return Colour::None;
}

// In lines of what the terminal has beside `indent` columns.
std::string wrapped(std::string_view text, std::size_t indent, Terminal const& terminal) {
    if (terminal.columns < indent + kLeastWidth) {
        return std::string(text);
    }
    auto const width = terminal.columns - indent;
    std::string out;
    std::size_t taken = 0;
    for (auto const word : split(text, ' ')) {
        if (taken > 0 && taken + 1 + word.size() > width) {
            out += "\n" + std::string(indent, ' ');
            taken = 0;
        } else if (!out.empty()) {
            out += ' ';
            ++taken;
        }
        out += word;
        taken += word.size();
    }
    return out;
}

std::string counted(std::ptrdiff_t number, std::string_view what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

}  // namespace

std::string render(Findings const& findings, Terminal const& terminal) {
    std::string out;
    for (auto const& one : findings) {
        out += terminal.paint(colour_of(one.level), fmt::format("{:<8}", to_string(one.level)));
        auto const text = printable(one.text, kLongest);
        out += fmt::format("{:<15} {}\n", one.check, wrapped(text, kIndent, terminal));
        if (!one.fix.empty()) {
            auto const fix = wrapped(one.fix, kIndent + kFix.size() + 1, terminal);
            out +=
                fmt::format("{:<{}}{} {}\n", "", kIndent, terminal.paint(Colour::Bold, kFix), fix);
        }
    }
    out += fmt::format(
        "\n{}, {}, {} checked and right\n",
        counted(count(findings, Level::Problem), "problem"),
        counted(count(findings, Level::Warning), "warning"),
        count(findings, Level::Ok)
    );
    return out;
}

std::string to_json(Findings const& findings) {
    boost::json::array all;
    for (auto const& one : findings) {
        boost::json::object row;
        row["check"] = one.check;
        row["level"] = to_string(one.level);
        row["text"] = printable(one.text, kLongest);
        row["fix"] = one.fix.empty() ? boost::json::value(nullptr) : boost::json::value(one.fix);
        all.push_back(std::move(row));
    }
    boost::json::object out;
    out["problems"] = count(findings, Level::Problem);
    out["warnings"] = count(findings, Level::Warning);
    out["findings"] = std::move(all);
    return boost::json::serialize(out) + '\n';
}

int exit_status(Findings const& findings) {
    return count(findings, Level::Problem) > 0 ? 1 : 0;
}

}  // namespace plimsoll::app::doctor
