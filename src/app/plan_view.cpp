#include "app/json_view.hpp"
#include "app/table.hpp"
#include "app/views.hpp"

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/text.hpp>
#include <plimsoll/base/time.hpp>

namespace plimsoll::app {
namespace {

std::string seconds_text(JsonView seconds) {
    return format_duration(from_seconds(seconds.number().value_or(0)));
}

std::string headline(JsonView plan, Terminal const& terminal) {
    auto const outcome = plan["outcome"].text();
    auto const model = terminal.paint(Colour::Bold, printable(plan["model"].text(), 200));
    std::string text = model + ": ";
    if (outcome == "at_once") {
        text += terminal.paint(Colour::Green, "at once") + ", it is ready and has a free slot";
    } else if (outcome == "waits") {
        text += "in about " + terminal.paint(Colour::Yellow, seconds_text(plan["wait_seconds"]));
    } else if (outcome == "refused") {
        text += terminal.paint(Colour::Red, "refused");
    } else {
        text += terminal.paint(Colour::Yellow, "not within an hour") +
                ", as far as can be foreseen; see: plimsoll queue";
    }
    text += "\n  needs " + format_bytes(Bytes(plan["charge_bytes"].count())) + ", context " +
            std::to_string(plan["num_ctx"].count()) + "; " +
            format_bytes(Bytes(plan["charged_bytes"].count())) + " of the budget of " +
            format_bytes(Bytes(plan["budget_bytes"].count())) + " are charged now\n";
    return text;
}

Colour colour_of(std::string const& what) {
    if (what == "unload" || what == "drain") {
        return Colour::Yellow;
    }
    return what == "refuse" ? Colour::Red : Colour::Green;
}

}  // namespace

std::string render_plan(boost::json::value const& plan, Terminal const& terminal) {
    JsonView const view(plan);
    std::string out = headline(view, terminal);
    Table table({{"AFTER", Align::Right}, {"WHAT"}, {"MODEL"}, {"BYTES", Align::Right}, {"WHY"}});
    for (auto const& step : view["steps"].items()) {
        auto const what = step["what"].text();
        auto const bytes = step["bytes"].count();
        table.add({
            {seconds_text(step["in_seconds"])},
            {what, colour_of(what)},
            {step["model"].text(), Colour::Bold},
            {bytes == 0 ? std::string() : format_bytes(Bytes(bytes))},
            {step["reason"].text()},
        });
    }
    return table.is_empty() ? out : out + table.render(terminal);
}

}  // namespace plimsoll::app
