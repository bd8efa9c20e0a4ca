#include "app/views.hpp"

#include "app/json_view.hpp"
#include "app/table.hpp"

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/text.hpp>
#include <plimsoll/base/time.hpp>

#include <algorithm>

namespace plimsoll::app {
namespace {

constexpr std::size_t kBarWidth = 30;
constexpr std::string_view kNothing = "-";

std::string bytes_of(JsonView field) {
    return field.number() ? format_bytes(Bytes(field.count())) : std::string(kNothing);
}

std::string seconds_of(JsonView field) {
    auto const seconds = field.number();
    return seconds ? format_duration(from_seconds(*seconds)) : std::string(kNothing);
}

std::string whole_of(JsonView field) {
    return field.number() ? std::to_string(field.count()) : std::string(kNothing);
}

// "[#########           ]", for a share of a budget.
std::string bar_of(std::uint64_t part, std::uint64_t whole) {
    if (whole == 0) {
        return {};
    }
    double const share = std::min(static_cast<double>(part) / static_cast<double>(whole), 1.0);
    auto filled = static_cast<std::size_t>(share * static_cast<double>(kBarWidth));
    filled = part > 0 ? std::max<std::size_t>(filled, 1) : 0;
    return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, ' ') + "]";
}

Colour colour_of_state(std::string const& state) {
    if (state == "ready") {
        return Colour::Green;
    }
    if (state == "suspect") {
        return Colour::Red;
    }
    return Colour::Yellow;
}

std::string last_use_of(JsonView row) {
    auto const ago = row["last_used_seconds_ago"];
    return row["leases"].count() > 0 || !ago.number() ? std::string(kNothing)
                                                      : seconds_of(ago) + " ago";
}

std::string expiry_of(JsonView row) {
    if (row["pinned"].is_true()) {
        return "pinned";
    }
    auto const left = row["expires_in_seconds"];
    return left.number() ? "in " + seconds_of(left) : "never";
}

// "  card 1   20 GiB of 23 GiB  [####   ]  NVIDIA GeForce RTX 4090"
void render_card(JsonView card, std::size_t number, Terminal const& terminal, std::string& out) {
    auto const budget = card["budget_bytes"].count();
    auto const charged = card["charged_bytes"].count();
    out += "  card " + std::to_string(number) + "   " + bytes_of(card["charged_bytes"]) + " of ";
    out += bytes_of(card["budget_bytes"]) + "  ";
    out += terminal.paint(charged > budget ? Colour::Red : Colour::None, bar_of(charged, budget));
    out += "  " + printable(card["name"].text(), 60) + '\n';
}

void render_upstream(JsonView upstream, bool enabled, Terminal const& terminal, std::string& out) {
    bool const up = upstream["up"].is_true();
    out += terminal.paint(Colour::Bold, printable(upstream["name"].text(), 80));
    out += "  " + printable(upstream["provider"].text(), 40);
    if (auto const version = upstream["version"].text(); !version.empty()) {
        out += " " + printable(version, 40);
    }
    out += " at " + printable(upstream["url"].text(), 200) + "  ";
    out += up ? terminal.paint(Colour::Green, "up") : terminal.paint(Colour::Red, "down");
    if (auto const why = upstream["why"].text(); !up && !why.empty()) {
        out += ": " + printable(why, 300);
    }
    out += '\n';
    if (!enabled) {
        return;
    }
    auto const budget = upstream["budget_bytes"].count();
    auto const charged = upstream["charged_bytes"].count();
    out += "  budget   " + bytes_of(upstream["budget_bytes"]) + '\n';
    out += "  charged  " + bytes_of(upstream["charged_bytes"]) + "  ";
    out += terminal.paint(charged > budget ? Colour::Red : Colour::None, bar_of(charged, budget));
    out += charged > budget ? "  over the budget: room is being made\n" : "\n";
    std::size_t number = 0;
    for (auto const& card : upstream["cards"].items()) {
        render_card(card, ++number, terminal, out);
    }
    out += "  peak     " + bytes_of(upstream["peak_bytes"]) + '\n';
    if (auto const waiting = upstream["waiting"].count(); waiting > 0) {
        out += "  waiting  " + std::to_string(waiting) + ", the longest for ";
        out += seconds_of(upstream["longest_wait_seconds"]) + '\n';
    }
}

}  // namespace

std::string render_status(boost::json::value const& status, Terminal const& terminal) {
    JsonView const view(status);
    bool const enabled = !view["enabled"].exists() || view["enabled"].is_true();
    std::string out = "Plimsoll " + printable(view["version"].text(), 40);
    out += enabled ? "" : terminal.paint(Colour::Yellow, "  plain pass-through: management is off");
    out += view["draining"].is_true() ? terminal.paint(Colour::Yellow, "  draining") : "";
    out += '\n';
    for (auto const& upstream : view["upstreams"].items()) {
        render_upstream(upstream, enabled, terminal, out);
    }
    auto const waiting = view["queue"].count();
    out += waiting == 0 ? "queue empty\n"
                        : "queue " + std::to_string(waiting) + " waiting; see: plimsoll queue\n";
    return out;
}

std::string render_models(boost::json::value const& models, Terminal const& terminal) {
    Table table({
        {"NAME"},
        {"STATE"},
        {"CHARGE", Align::Right},
        {"MEASURED", Align::Right},
        {"CONTEXT", Align::Right},
        {"USERS", Align::Right},
        {"WAITING", Align::Right},
        {"LAST USED", Align::Right},
        {"EXPIRES"},
    });
    for (auto const& row : JsonView(models)["models"].items()) {
        auto const state = row["state"].text();
        auto name = row["name"].text();
        name += row["foreign"].is_true() ? " (not loaded by Plimsoll)" : "";
        table.add({
            {name, Colour::Bold},
            {state, colour_of_state(state)},
            {bytes_of(row["charge_bytes"])},
            {row["measured_bytes"].count() > 0 ? bytes_of(row["measured_bytes"])
                                               : std::string(kNothing)},
            {whole_of(row["num_ctx"])},
            {whole_of(row["leases"])},
            {whole_of(row["waiting"])},
            {last_use_of(row)},
            {expiry_of(row)},
        });
    }
    return table.is_empty() ? "No model is in memory.\n" : table.render(terminal);
}

std::string render_queue(boost::json::value const& queue, Terminal const& terminal) {
    Table table({
        {"#", Align::Right},
        {"MODEL"},
        {"WAITED", Align::Right},
        {"STILL", Align::Right},
        {"CLIENT"},
        {"PRIORITY"},
        {"WHY"},
    });
    for (auto const& row : JsonView(queue)["waiting"].items()) {
        bool const overdue = row["overdue"].is_true();
        table.add({
            {whole_of(row["position"])},
            {row["model"].text(), Colour::Bold},
            {seconds_of(row["waited_seconds"]), overdue ? Colour::Yellow : Colour::None},
            {row["expected_seconds"].number() ? "~ " + seconds_of(row["expected_seconds"])
                                              : std::string(kNothing)},
            {row["client"].text()},
            {row["priority"].text()},
            {row["why"].text()},
        });
    }
    return table.is_empty() ? "Nothing waits.\n" : table.render(terminal);
}

std::string render_cleanup(boost::json::value const& report, Terminal const&) {
    JsonView const view(report);
    std::string out;
    for (auto const& name : view["unloaded"].items()) {
        out += "Unloaded " + printable(name.text(), 200) + '\n';
    }
    for (auto const& kept : view["kept"].items()) {
        out += "Kept " + printable(kept["name"].text(), 200);
        auto const reason = kept["reason"].text();
        out += (reason.empty() ? "" : ": " + printable(reason, 500)) + '\n';
    }
    return out.empty() ? "Nothing was loaded.\n" : out;
}

std::string describe_instance(std::string_view verb, boost::json::value const& instance) {
    JsonView const view(instance);
    std::string out = std::string(verb) + " " + printable(view["name"].text(), 200);
    out += ": " + bytes_of(view["charge_bytes"]);
    if (view["num_ctx"].count() > 0) {
        out += ", context " + whole_of(view["num_ctx"]);
    }
    if (auto const took = view["load_seconds"].number(); took && *took > 0) {
        out += ", loaded in " + seconds_of(view["load_seconds"]);
    }
    return out + '\n';
}

}  // namespace plimsoll::app
