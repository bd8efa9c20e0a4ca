#include "app/json_view.hpp"
#include "app/run_views.hpp"
#include "app/table.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

namespace plimsoll::app {
namespace {

constexpr std::size_t kLongestText = 60;  // of an instruction in a table
constexpr unsigned kDeepest = 8;          // of steps within steps

std::string count_of(std::size_t number, std::string_view what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// Of both forms, and of a document that is none.
std::size_t steps_of(JsonView document) {
    auto const steps = document["steps"].items().size();
    return steps > 0 ? steps : document["models"].items().size();
}

std::string model_of(JsonView model) {
    return model.text().empty() ? model["name"].text() : model.text();
}

// One line, however the text is written.
std::string one_line(std::string text) {
    for (char& c : text) {
        c = c == '\n' || c == '\t' || c == '\r' ? ' ' : c;
    }
    return printable(trim(text), kLongestText);
}

void add_steps(JsonView list, std::string const& prefix, unsigned depth, Table& table) {
    std::size_t number = 0;
    for (auto const& step : list.items()) {
        auto const place = prefix + std::to_string(++number);
        auto kind = step["kind"].text();
        std::string what = model_of(step["model"]);
        std::string text = step["instruction"].text();
        if (kind == "tool") {
            what = step["server"].text() + " " + step["tool"].text();
            text = step["arguments"].json();
        } else if (kind == "map") {
            text = "for each of " + step["items"].text();
        } else if (kind == "loop") {
            text = "at most " + count_of(step["max_rounds"].count(), "round");
        }
        table.add({
            {place},
            {step["name"].text(), Colour::Bold},
            {kind.empty() ? "prompt" : kind},
            {what},
            {one_line(std::move(text))},
        });
        if (depth < kDeepest) {
            add_steps(step["steps"], place + ".", depth + 1, table);
        }
    }
}

void add_short_form(JsonView document, Table& table) {
    auto const models = document["models"].items();
    auto const instructions = document["instructions"].items();
    for (std::size_t i = 0; i < models.size(); ++i) {
        auto const text = i < instructions.size() ? instructions[i].text() : std::string();
        table.add({{std::to_string(i + 1)}, {}, {"prompt"}, {model_of(models[i])}, {one_line(text)}}
        );
    }
}

}  // namespace

std::string render_chains(boost::json::value const& chains, Terminal const& terminal) {
    Table table({{"NAME"}, {"STEPS", Align::Right}, {"STATE"}, {"DESCRIPTION"}});
    for (auto const& row : JsonView(chains)["chains"].items()) {
        auto const problems = row["problems"].items().size();
        table.add({
            {row["name"].text(), Colour::Bold},
            {std::to_string(steps_of(row["document"]))},
            {problems == 0 ? "ok" : count_of(problems, "problem"),
             problems == 0 ? Colour::Green : Colour::Red},
            {one_line(row["description"].text())},
        });
    }
    return table.is_empty() ? "No chain is saved; see: plimsoll chain save --help\n"
                            : table.render(terminal);
}

std::string render_chain(boost::json::value const& chain, Terminal const& terminal) {
    JsonView const view(chain);
    JsonView const document = view["document"];
    std::string out = terminal.paint(Colour::Bold, printable(view["name"].text(), 80));
    auto const description = view["description"].text();
    out += (description.empty() ? "" : "  " + printable(description, 1000)) + '\n';
    out += "  as a model  " + printable(view["model"].text(), 100) + '\n';
    auto const breakers = document["breakers"].items().size();
    out += breakers == 0 ? "" : "  breakers    " + std::to_string(breakers) + '\n';
    for (auto const& problem : view["problems"].items()) {
        auto const pointer = problem["at"].text();
        auto const text = pointer + (pointer.empty() ? "" : ": ") + problem["problem"].text();
        out +=
            "  " + terminal.paint(Colour::Red, "problem") + "     " + printable(text, 2000) + '\n';
    }
    Table table({{"STEP"}, {"NAME"}, {"KIND"}, {"MODEL OR TOOL"}, {"INSTRUCTION"}});
    add_steps(document["steps"], "", 1, table);
    if (table.is_empty()) {
        add_short_form(document, table);
    }
    return table.is_empty() ? out : out + table.render(terminal);
}

std::string describe_saved(boost::json::value const& chain) {
    JsonView const view(chain);
    auto const name = printable(view["name"].text(), 80);
    return fmt::format(
        "Saved {}, {}; run it with: plimsoll chain run {}, or ask the model {}\n",
        name,
        count_of(steps_of(view["document"]), "step"),
        name,
        printable(view["model"].text(), 100)
    );
}

}  // namespace plimsoll::app
