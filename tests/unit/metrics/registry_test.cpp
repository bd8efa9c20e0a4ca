#include "metrics/label_text.hpp"
#include "support/catch.hpp"

#include <plimsoll/metrics/registry.hpp>

#include <algorithm>
#include <chrono>
#include <string>

using namespace plimsoll;
using namespace plimsoll::metrics;
using namespace std::chrono_literals;

namespace {

constexpr std::array<double, 3> kBounds{0.1, 1, 10};

constexpr Metric kThings{
    .kind = Kind::Counter,
    .name = "plimsoll_things_total",
    .help = "Things that happened.",
    .labels = {"upstream", "model"}
};
constexpr Metric kPlain{
    .kind = Kind::Counter, .name = "plimsoll_plain_total", .help = "Without labels."
};
constexpr Metric kTimes{
    .kind = Kind::Histogram,
    .name = "plimsoll_times_seconds",
    .help = "How long.",
    .labels = {"upstream"},
    .buckets = kBounds
};
constexpr Metric kLevel{
    .kind = Kind::Gauge, .name = "plimsoll_level_bytes", .help = "Now.", .labels = {"upstream"}
};
constexpr Metric kKept{
    .kind = Kind::Counter, .name = "plimsoll_kept_total", .help = "Counted elsewhere."
};

bool has_line(std::string const& text, std::string const& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("metrics: what is counted is read, with its help and type", "[metrics]") {
    Registry registry;
    auto const things = registry.counter(kThings, {"a", "m:1b"});
    things.increment();
    things.add(2.5);
    registry.counter(kThings, {"a", "m:1b"}).increment();
    auto const text = registry.read();
    CHECK(has_line(text, "# HELP plimsoll_things_total Things that happened."));
    CHECK(has_line(text, "# TYPE plimsoll_things_total counter"));
    CHECK(has_line(text, R"(plimsoll_things_total{model="m:1b",upstream="a"} 4.5)"));
}

TEST_CASE("metrics: a counter is there from its first mention, at zero", "[metrics]") {
    Registry registry;
    static_cast<void>(registry.counter(kPlain, {}));
    CHECK(has_line(registry.read(), "plimsoll_plain_total 0"));
}

TEST_CASE("metrics: a handle of no registry counts nothing and harms nothing", "[metrics]") {
    Counter{}.increment();
    Counter{}.add(1);
    Histogram{}.observe(1s);
    CHECK(Registry().read().empty());
}

TEST_CASE("metrics: histograms count into their buckets", "[metrics]") {
    Registry registry;
    auto const times = registry.histogram(kTimes, {"a"});
    times.observe(50ms);
    times.observe(1s);
    times.observe(99s);
    auto const text = registry.read();
    CHECK(has_line(text, R"(plimsoll_times_seconds_bucket{upstream="a",le="0.1"} 1)"));
    CHECK(has_line(text, R"(plimsoll_times_seconds_bucket{upstream="a",le="1"} 2)"));
    CHECK(has_line(text, R"(plimsoll_times_seconds_bucket{upstream="a",le="10"} 2)"));
    CHECK(has_line(text, R"(plimsoll_times_seconds_bucket{upstream="a",le="+Inf"} 3)"));
    CHECK(has_line(text, R"(plimsoll_times_seconds_count{upstream="a"} 3)"));
    CHECK_THAT(text, ContainsSubstring("plimsoll_times_seconds_sum{upstream=\"a\"} 100.05"));
}

TEST_CASE("metrics: what is told while it is read is there once, and anew each time", "[metrics]") {
    Registry registry;
    double level = 17179869184;
    registry.on_read([&](Reading& reading) {
        reading.set(kLevel, {"a"}, level);
        reading.set(kKept, {}, 7);
    });
    registry.on_read([](Reading& reading) { reading.set(kLevel, {"b"}, 2); });
    auto const text = registry.read();
    CHECK(has_line(text, R"(plimsoll_level_bytes{upstream="a"} 17179869184)"));
    CHECK(has_line(text, R"(plimsoll_level_bytes{upstream="b"} 2)"));
    CHECK(has_line(text, "# TYPE plimsoll_kept_total counter"));
    CHECK(has_line(text, "plimsoll_kept_total 7"));
    std::string const help = "# HELP plimsoll_level_bytes";
    CHECK(text.find(help) == text.rfind(help));
    level = 1;
    CHECK(has_line(registry.read(), R"(plimsoll_level_bytes{upstream="a"} 1)"));
}

TEST_CASE("metrics: values with quotes, newlines and other alphabets are escaped", "[metrics]") {
    Registry registry;
    registry.counter(kThings, {"a\"b\\c\nd", "模型:é"}).increment();
    CHECK(has_line(
        registry.read(), R"(plimsoll_things_total{model="模型:é",upstream="a\"b\\c\nd"} 1)"
    ));
}

TEST_CASE("metrics: what is no UTF-8 in a value is replaced", "[metrics]") {
    CHECK(label_text("plain") == "plain");
    CHECK(label_text("\xF0\x9F\x9A\xA2") == "\xF0\x9F\x9A\xA2");
    CHECK(label_text("a\xFFz") == "a\xEF\xBF\xBDz");
    CHECK(label_text("\xC0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
    CHECK(label_text("\xED\xA0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
    CHECK(label_text("\xE6\xA8") == "\xEF\xBF\xBD\xEF\xBF\xBD");                  // cut off
    CHECK(label_text("\xF4\x90\x80\x80").size() == 12);                           // above U+10FFFF
    CHECK(label_text(std::string(1000, 'x')).size() == 200);
    CHECK(label_text(std::string(199, 'x') + "é").size() == 199);
}

TEST_CASE("metrics: invented names do not grow the number of series", "[metrics]") {
    Registry registry;
    auto& models = registry.models_of("a");
    CHECK(&models == &registry.models_of("a"));
    for (int i = 0; i < 10'000; ++i) {
        registry.counter(kThings, {"a", models.of("m" + std::to_string(i) + ":1b")}).increment();
    }
    CHECK(models.of("m0:1b") == "m0:1b");
    CHECK(models.of("m9999:1b") == "other");
    CHECK(registry.models_of("b").of("m9999:1b") == "m9999:1b");
    auto const text = registry.read();
    CHECK(std::ranges::count(text, '\n') == 2 + 101);
    CHECK(has_line(text, R"(plimsoll_things_total{model="other",upstream="a"} 9900)"));
}
