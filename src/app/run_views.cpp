#include "app/run_views.hpp"

#include "app/json_view.hpp"
#include "app/table.hpp"

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/text.hpp>
#include <plimsoll/base/time.hpp>

#include <spdlog/fmt/fmt.h>

#include <ctime>

namespace plimsoll::app {
namespace {

constexpr std::string_view kNothing = "-";
constexpr std::size_t kLongestError = 100;  // in a table; the run's own stands above it

std::string seconds_of(JsonView field) {
    auto const seconds = field.number();
    return seconds ? format_duration(from_seconds(*seconds)) : std::string(kNothing);
}

// Nothing rather than a nought, so that what counts is seen.
std::string some_of(JsonView field) {
    return field.count() > 0 ? std::to_string(field.count()) : std::string(kNothing);
}

std::string text_or_nothing(std::string text) {
    return text.empty() ? std::string(kNothing) : text;
}

Colour colour_of(std::string const& status) {
    if (status == "succeeded") {
        return Colour::Green;
    }
    return status == "failed" ? Colour::Red : Colour::Yellow;
}

std::string step_table(JsonView run, Terminal const& terminal) {
    Table table({
        {"STEP"},
        {"NAME"},
        {"MODEL"},
        {"TOOK", Align::Right},
        {"WAITED", Align::Right},
        {"LOADS", Align::Right},
        {"BYTES", Align::Right},
        {"TOKENS", Align::Right},
        {"ERROR"},
    });
    for (auto const& step : run["steps"].items()) {
        auto const bytes = step["bytes"].count();
        auto const waited = step["waited_seconds"].number().value_or(0);
        auto const what = step["model"].text().empty() ? step["kind"].text() : step["model"].text();
        table.add({
            {step["step"].text()},
            {step["name"].text(), Colour::Bold},
            {what},
            {seconds_of(step["seconds"])},
            {waited > 0 ? seconds_of(step["waited_seconds"]) : std::string(kNothing)},
            {some_of(step["loads"])},
            {bytes > 0 ? format_bytes(Bytes(bytes)) : std::string(kNothing)},
            {some_of(step["tokens"])},
            {printable(step["error"]["message"].text(), kLongestError), Colour::Red},
        });
    }
    return table.is_empty() ? std::string("  no step has ended\n") : table.render(terminal);
}

}  // namespace

std::optional<double> wall_seconds(std::string const& rfc3339) {
    std::tm utc{};
    char const* const rest = ::strptime(rfc3339.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    if (rest == nullptr || !rfc3339.ends_with('Z')) {
        return std::nullopt;
    }
    double fraction = 0;
    double unit = 0.1;
    for (char const* digit = rest + 1; *rest == '.' && *digit >= '0' && *digit <= '9'; ++digit) {
        fraction += unit * (*digit - '0');
        unit /= 10;
    }
    return static_cast<double>(::timegm(&utc)) + fraction;
}

std::string local_time(std::string const& rfc3339) {
    std::tm utc{};
    if (::strptime(rfc3339.c_str(), "%Y-%m-%dT%H:%M:%S", &utc) == nullptr ||
        !rfc3339.ends_with('Z')) {
        return rfc3339;
    }
    std::time_t const seconds = ::timegm(&utc);
    std::tm here{};
    ::localtime_r(&seconds, &here);
    return fmt::format(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        here.tm_year + 1900,
        here.tm_mon + 1,
        here.tm_mday,
        here.tm_hour,
        here.tm_min,
        here.tm_sec
    );
}

std::string render_runs(boost::json::value const& runs, Terminal const& terminal) {
    Table table({
        {"ID"},
        {"CHAIN"},
        {"STATUS"},
        {"STARTED"},
        {"TOOK", Align::Right},
        {"LOADS", Align::Right},
        {"TOKENS", Align::Right},
    });
    for (auto const& row : JsonView(runs)["runs"].items()) {
        auto const status = row["status"].text();
        table.add({
            {row["id"].text(), Colour::Bold},
            {text_or_nothing(row["chain"].text())},
            {status, colour_of(status)},
            {local_time(row["started"].text())},
            {seconds_of(row["seconds"])},
            {some_of(row["loads"])},
            {some_of(row["tokens"])},
        });
    }
    return table.is_empty() ? "No chain has run yet.\n" : table.render(terminal);
}

std::string render_run(boost::json::value const& run, Terminal const& terminal) {
    JsonView const view(run);
    auto const status = view["status"].text();
    std::string out = "Run " + terminal.paint(Colour::Bold, printable(view["id"].text(), 80));
    out += "  " + terminal.paint(colour_of(status), printable(status, 40)) + '\n';
    auto const chain = view["chain"].text();
    out += "  chain    " + (chain.empty() ? "sent with the request" : printable(chain, 80)) + '\n';
    out += "  client   " + printable(view["client"].text(), 80) + '\n';
    out += "  started  " + printable(local_time(view["started"].text()), 80);
    out += status == "running" ? ", runs for " : ", took ";
    out += seconds_of(view["seconds"]) + '\n';
    if (auto const loads = view["loads"].count(); loads > 0) {
        out += fmt::format("  loads    {}, {} in all\n", loads, seconds_of(view["load_seconds"]));
    }
    out += "  tokens   " + std::to_string(view["tokens"].count()) + '\n';
    if (auto const error = view["error"].text(); !error.empty()) {
        out += "  error    " + terminal.paint(Colour::Red, printable(error, 4000)) + '\n';
    }
    if (status == "failed" || status == "cancelled") {
        out += "  to go on at the step that had not ended: plimsoll runs resume " +
               printable(view["id"].text(), 80) + '\n';
    }
    out += step_table(view, terminal);
    auto const output = view["output"].text();
    if (!output.empty()) {
        out += "\n" + output + (output.ends_with('\n') ? "" : "\n");
    }
    return out;
}

std::string describe_ended(boost::json::value const& run) {
    JsonView const view(run);
    auto const status = view["status"].text();
    auto const id = printable(view["id"].text(), 80);
    if (status != "cancelled") {
        return fmt::format(
            "Run {} had {} before it could be cancelled\n", id, printable(status, 40)
        );
    }
    return fmt::format(
        "Cancelled run {} after {}; to go on with it: plimsoll runs resume {}\n",
        id,
        seconds_of(view["seconds"]),
        id
    );
}

}  // namespace plimsoll::app
