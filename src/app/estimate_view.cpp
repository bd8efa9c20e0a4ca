#include "app/json_view.hpp"
#include "app/table.hpp"
#include "app/views.hpp"

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace plimsoll::app {
namespace {

constexpr std::size_t kWidth = 48;  // characters of the longest bar

std::string size_text(JsonView bytes) {
    return format_bytes(Bytes(bytes.count()));
}

std::string headline(JsonView view, Terminal const& terminal) {
    std::string const batch = fmt::format("batch {}", view["num_batch"].count());
    auto const slots = view["parallel"].count();
    return terminal.paint(Colour::Bold, printable(view["model"].text(), 200)) +
           fmt::format(
               "  context {}, {} {}, {} cache, flash attention {}, {}\n",
               view["num_ctx"].count(),
               slots,
               slots == 1 ? "slot" : "slots",
               view["kv_cache_type"].text(),
               view["flash_attention"].text(),
               batch
           );
}

struct Part {
    std::string_view member, name, what;
};

constexpr std::array kParts = {
    Part{"weights", "weights", ""},
    Part{"kv", "cache", ""},
    Part{"recurrent", "state", "of recurrent layers"},
    Part{"compute", "compute", "buffer of the widest graph"},
    Part{"projector", "projector", "weights, and 1 GiB assumed for its work"},
    Part{"draft", "drafting", "second context"},
    Part{"overhead", "process", "driver context and kernels"},
};

std::string measured_words(JsonView view) {
    JsonView const measured = view["measured"];
    auto const count = measured["count"].count();
    if (count == 0) {
        return "as the upstream listed it, which is not all";
    }
    return fmt::format(
        "without the process, {} {}, spread {}{}",
        count,
        count == 1 ? "load" : "loads",
        size_text(measured["spread"]),
        measured["certain"].is_true() ? "; certain" : ""
    );
}

// What measurements of all models on this device say of predictions.
std::string calibration_line(JsonView view) {
    JsonView const ratio = view["calibration"]["ratio"];
    if (ratio["count"].count() == 0) {
        return {};
    }
    return fmt::format(
        "Here {} {} measured {:+.2f} % of the prediction, spread {:.2f} %.\n",
        ratio["count"].count(),
        ratio["count"].count() == 1 ? "model has" : "models have",
        100 * (ratio["mean"].number().value_or(1) - 1),
        100 * ratio["spread"].number().value_or(0)
    );
}

std::string parts_table(JsonView view, Terminal const& terminal) {
    Table table({{"PART"}, {"BYTES", Align::Right}, {"WHAT"}});
    for (Part const& part : kParts) {
        if (view[part.member].count() == 0) {
            continue;
        }
        std::string what(part.what);
        if (part.member == "kv" && view["kv_windowed"].count() != 0) {
            what = size_text(view["kv_windowed"]) + " of it in sliding windows";
        }
        table.add({{std::string(part.name)}, {size_text(view[part.member])}, {what}});
    }
    table.add({{"total", Colour::Bold}, {size_text(view["total"]), Colour::Bold}, {"predicted"}});
    table.add(
        {{"booked"},
         {size_text(view["booked"])},
         {"with a margin of " + size_text(view["margin"]) + ", until it is measured"}}
    );
    if (view["measured"].exists()) {
        table.add({{"measured"}, {size_text(view["measured"]["bytes"])}, {measured_words(view)}});
    }
    if (view["host"].count() != 0) {
        table.add({{"on the host"}, {size_text(view["host"])}, {"not in the total"}});
    }
    return table.render(terminal);
}

std::string fit_line(JsonView view, Terminal const& terminal) {
    if (!view["fit_bytes"].exists()) {
        return {};
    }
    bool const is_booked = view["fit_by"].text() == "booked";
    std::string const room = (is_booked ? "the budget of " : "") + size_text(view["fit_bytes"]);
    if (!view["largest_num_ctx"].exists()) {
        return terminal.paint(Colour::Red, "Does not fit") +
               fmt::format(" {} with any context.\n", room);
    }
    auto const largest = view["largest_num_ctx"].count();
    return fmt::format(
        "Largest context in {}: {} tokens{}\n",
        room,
        terminal.paint(Colour::Green, std::to_string(largest)),
        largest == view["trained_num_ctx"].count() ? ", all it was trained for" : ""
    );
}

std::string repeated(std::string_view what, std::size_t times) {
    std::string out;
    for (std::size_t i = 0; i < times; ++i) {
        out += what;
    }
    return out;
}

// Bars of weights, cache and compute, one row for each context; where the room ends, a line.
std::string picture(JsonView view, Terminal const& terminal) {
    auto const points = view["curve"].items();
    if (points.size() < 2) {
        return {};
    }
    double const room = static_cast<double>(view["fit_bytes"].count());
    double highest = room;
    for (JsonView const point : points) {
        highest = std::max(highest, point["total"].number().value_or(0));
    }
    auto const cells = [highest](double bytes) {
        return static_cast<std::size_t>(std::lround(bytes / std::max(highest, 1.0) * kWidth));
    };
    std::string out = fmt::format("\n{:>9}  {:>9}\n", "CONTEXT", "TOTAL");
    for (JsonView const point : points) {
        double const weights = point["weights"].number().value_or(0);
        double const cache = point["cache"].number().value_or(0);
        double const total = point["total"].number().value_or(0);
        std::size_t const first = cells(weights);
        std::size_t const second = std::max(first, cells(weights + cache));
        std::size_t const third = std::max(second, cells(total));
        std::string bar =
            repeated("█", first) + repeated("▓", second - first) + repeated("░", third - second);
        bool const is_over = room > 0 && total > room;
        if (room > 0 && !is_over) {
            std::size_t const line = std::max(third, cells(room));
            bar += std::string(line - third, ' ') + "│";
        }
        out += fmt::format(
            "{:>9}  {:>9}  {}\n",
            point["num_ctx"].count(),
            format_bytes(Bytes(point["total"].count())),
            is_over ? terminal.paint(Colour::Red, bar) : bar
        );
    }
    return out + "█ weights and process  ▓ cache  ░ compute" +
           (room > 0 ? "  │ " + format_bytes(Bytes(view["fit_bytes"].count())) + "\n" : "\n");
}

}  // namespace

std::string render_estimate(boost::json::value const& estimate, Terminal const& terminal) {
    JsonView const view(estimate);
    std::string out = headline(view, terminal);
    bool const loads = view["loads"].is_true();
    if (loads) {
        out += parts_table(view, terminal) + fit_line(view, terminal) + calibration_line(view);
    } else {
        out += terminal.paint(Colour::Red, "Would not load.") + '\n';
    }
    for (JsonView const note : view["notes"].items()) {
        out += printable(note.text()) + '\n';
    }
    return loads ? out + picture(view, terminal) : out;
}

}  // namespace plimsoll::app
