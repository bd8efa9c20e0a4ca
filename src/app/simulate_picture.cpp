// The picture of a simulation, in characters and as SVG.

#include "app/simulate_view.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace plimsoll::app {
namespace {

constexpr std::size_t kWidth = 72;  // characters
constexpr std::size_t kRows = 12;
constexpr std::size_t kNameWidth = 20;
constexpr std::array<std::string_view, 9> kHeights{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

// Models by number of requests, as indices into the workload.
std::vector<std::size_t> busiest(trace::Workload const& workload) {
    std::vector<std::size_t> asked(workload.models.size());
    for (trace::Request const& request : workload.requests) {
        ++asked[request.model];
    }
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < asked.size(); ++i) {
        if (asked[i] > 0) {
            order.push_back(i);
        }
    }
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
        return asked[a] != asked[b] ? asked[a] > asked[b] : a < b;
    });
    return order;
}

// How much of each of `count` equal spans of time something lasts, summed; in spans.
class Spans {
  public:
    Spans(std::size_t count, Duration length)
        : shares_(count), span_(std::max(1e-9, to_seconds(length) / static_cast<double>(count))) {}

    void add(Duration from, Duration to, double weight = 1) {
        double const begin = std::clamp(to_seconds(from) / span_, 0.0, size());
        double const end = std::clamp(to_seconds(to) / span_, begin, size());
        for (auto i = static_cast<std::size_t>(begin); i < shares_.size(); ++i) {
            double const left = std::max(begin, static_cast<double>(i));
            double const right = std::min(end, static_cast<double>(i + 1));
            if (right <= left) {
                break;
            }
            shares_[i] += weight * (right - left);
        }
    }

    [[nodiscard]] double operator[](std::size_t i) const { return shares_[i]; }

    [[nodiscard]] double highest() const { return *std::ranges::max_element(shares_); }

  private:
    [[nodiscard]] double size() const { return static_cast<double>(shares_.size()); }

    std::vector<double> shares_;
    double span_;  // seconds
};

Spans waiting_spans(
    trace::Workload const& workload, trace::Simulated const& simulated, std::size_t count
) {
    Spans out(count, simulated.length);
    for (std::size_t i = 0; i < simulated.passages.size(); ++i) {
        Duration const arrival = workload.requests[i].arrival;
        out.add(arrival, arrival + simulated.passages[i].waited);
    }
    return out;
}

Spans memory_spans(trace::Workload const& workload, Variant const& variant, std::size_t count) {
    Spans out(count, variant.simulated.length);
    for (trace::Residency const& each : variant.simulated.residencies) {
        double const share =
            static_cast<double>(workload.models[each.model].charge.count()) /
            static_cast<double>(std::max<std::uint64_t>(1, variant.config.budget.count()));
        out.add(each.load_start, each.gone, share);
    }
    return out;
}

std::string heights(Spans const& spans, double full) {
    std::string line;
    for (std::size_t i = 0; i < kWidth; ++i) {
        double const share = full > 0 ? std::clamp(spans[i] / full, 0.0, 1.0) : 0;
        auto const height = static_cast<std::size_t>(share * 8 + (share > 0 ? 0.999 : 0));
        line += kHeights[std::min<std::size_t>(height, 8)];
    }
    return line;
}

std::string padded(std::string const& text) {
    std::string name = printable(text, kNameWidth);
    // printable() cuts with an ellipsis, which is one character of three bytes.
    auto const width = static_cast<std::size_t>(std::ranges::count_if(name, [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
    return name + std::string(width < kNameWidth ? kNameWidth - width : 0, ' ');
}

std::string escaped(std::string_view text) {
    std::string out;
    for (char const c : printable(text, 200)) {
        if (c == '<') {
            out += "&lt;";
        } else if (c == '&') {
            out += "&amp;";
        } else if (c == '"') {
            out += "&quot;";
        } else {
            out += c;
        }
    }
    return out;
}

constexpr double kSvgLeft = 180;
constexpr double kSvgPlot = 1000;
constexpr double kSvgRow = 18;

double svg_x(Duration at, trace::Simulated const& simulated) {
    return kSvgLeft + kSvgPlot * to_seconds(at) / std::max(1e-9, to_seconds(simulated.length));
}

std::string svg_bar(double from, double to, double top, std::string_view fill) {
    return fmt::format(
        "<rect x=\"{:.2f}\" y=\"{:.1f}\" width=\"{:.2f}\" height=\"14\" fill=\"{}\"/>\n",
        from,
        top,
        std::max(0.2, to - from),
        fill
    );
}

// One model: its name, and when it loaded and was in memory.
std::string svg_model(
    trace::Workload const& workload,
    trace::Simulated const& simulated,
    std::size_t model,
    double top
) {
    std::string out = fmt::format(
        "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
        kSvgLeft - 8,
        top + 12,
        escaped(workload.models[model].name)
    );
    for (trace::Residency const& each : simulated.residencies) {
        if (each.model == model) {
            Duration const ready = each.ready == Duration() ? each.gone : each.ready;
            double const middle = svg_x(ready, simulated);
            out += svg_bar(svg_x(each.load_start, simulated), middle, top, "#f0b429");
            out += svg_bar(middle, svg_x(each.gone, simulated), top, "#2f6f9f");
        }
    }
    return out;
}

// How many requests waited, as a line above `base`, and the axis of time.
std::string svg_waiting(
    trace::Workload const& workload, trace::Simulated const& simulated, double base
) {
    constexpr std::size_t kSteps = 500;
    Spans const waiting = waiting_spans(workload, simulated, kSteps);
    double const highest = std::max(1.0, waiting.highest());
    std::string out =
        fmt::format("<polyline fill=\"none\" stroke=\"#b3261e\" points=\"{},{}", kSvgLeft, base);
    for (std::size_t i = 0; i < kSteps; ++i) {
        double const share = (static_cast<double>(i) + 0.5) / static_cast<double>(kSteps);
        out += fmt::format(
            " {:.1f},{:.1f}", kSvgLeft + kSvgPlot * share, base - 70 * waiting[i] / highest
        );
    }
    return out + fmt::format(
                     "\"/>\n<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">waiting (up to "
                     "{:.0f})</text>\n<text x=\"{}\" y=\"{:.1f}\">0</text>\n"
                     "<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                     kSvgLeft - 8,
                     base,
                     std::ceil(highest),
                     kSvgLeft,
                     base + 18,
                     kSvgLeft + kSvgPlot,
                     base + 18,
                     format_duration(simulated.length)
                 );
}

}  // namespace

std::string render_picture(trace::Workload const& workload, Variant const& variant) {
    auto const& simulated = variant.simulated;
    auto const order = busiest(workload);
    std::string out;
    for (std::size_t row = 0; row < std::min(kRows, order.size()); ++row) {
        Spans loading(kWidth, simulated.length);
        Spans resident(kWidth, simulated.length);
        for (trace::Residency const& each : simulated.residencies) {
            if (each.model == order[row]) {
                Duration const ready = each.ready == Duration() ? each.gone : each.ready;
                loading.add(each.load_start, ready);
                resident.add(ready, each.gone);
            }
        }
        out += padded(workload.models[order[row]].name) + " ";
        for (std::size_t i = 0; i < kWidth; ++i) {
            bool const is_loading = loading[i] > resident[i];
            out += loading[i] + resident[i] < 0.05 ? "·" : is_loading ? "▒" : "█";
        }
        out += "\n";
    }
    if (order.size() > kRows) {
        out += fmt::format("and {} more models\n", order.size() - kRows);
    }
    Spans const waiting = waiting_spans(workload, simulated, kWidth);
    out += padded("waiting") + " " + heights(waiting, waiting.highest()) +
           fmt::format(" up to {:.0f}\n", std::ceil(waiting.highest()));
    out += padded("memory") + " " + heights(memory_spans(workload, variant, kWidth), 1) + " of " +
           format_bytes(variant.config.budget) + "\n";
    out += fmt::format(
        "{} 0{:>{}}\n", std::string(kNameWidth, ' '), format_duration(simulated.length), kWidth - 1
    );
    out += std::string(kNameWidth + 1, ' ') + "█ in memory  ▒ loading  · absent\n";
    return out;
}

std::string render_svg(trace::Workload const& workload, Variant const& variant) {
    auto const order = busiest(workload);
    double const rows = kSvgRow * static_cast<double>(order.size());
    std::string out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0f} {:.0f}\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n"
        "<title>{} requests over {}, budget {}</title>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        kSvgLeft + kSvgPlot + 20,
        rows + 130,
        workload.requests.size(),
        format_duration(variant.simulated.length),
        format_bytes(variant.config.budget)
    );
    for (std::size_t row = 0; row < order.size(); ++row) {
        out += svg_model(
            workload, variant.simulated, order[row], 10 + kSvgRow * static_cast<double>(row)
        );
    }
    return out + svg_waiting(workload, variant.simulated, rows + 100) + "</svg>\n";
}

}  // namespace plimsoll::app
