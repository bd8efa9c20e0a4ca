#pragma once
// Counters, gauges and histograms for Prometheus. What happens is counted through handles, which
// are found once and kept; what merely is (bytes, lengths of queues) is told by its owner whenever
// somebody reads. Loop thread only.

#include <plimsoll/base/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace prometheus {
class Counter;
class Histogram;
}  // namespace prometheus

namespace plimsoll::metrics {

enum class Kind : std::uint8_t { Counter, Gauge, Histogram };

// One metric as it is declared: a constant of the module that counts. Names follow Prometheus'
// conventions: prefix, base unit, "_total" for counters.
struct Metric {
    Kind kind = Kind::Gauge;
    std::string_view name;
    std::string_view help;
    std::array<std::string_view, 2> labels{};  // their names; those that are not used stay empty
    std::span<double const> buckets{};         // of a histogram: rising upper bounds
};

// One value for each label name of the metric, in their order. What is no UTF-8 in them is
// replaced, and they are cut at 200 bytes: one bad name must not cost a whole scrape.
using LabelValues = std::initializer_list<std::string_view>;

// Seconds, from what a relayed request costs to what a cold model takes.
inline constexpr std::array<double, 16> kSeconds{
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800
};

// A handle; copies count together. One that no registry gave counts nothing.
class Counter {
  public:
    Counter() = default;

    // `by` is not negative.
    void add(double by) const;
    void increment() const;

  private:
    friend class Registry;

    explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}

    prometheus::Counter* counter_ = nullptr;
};

// As Counter.
class Histogram {
  public:
    Histogram() = default;

    void observe(double value) const;

    void observe(Duration duration) const { observe(to_seconds(duration)); }

  private:
    friend class Registry;

    explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}

    prometheus::Histogram* histogram_ = nullptr;
};

// Label values that come from outside: the first `most` different ones stand for themselves, and
// every later one is "other". So the number of series has a bound, whoever invents names.
class BoundedLabels {
  public:
    explicit BoundedLabels(std::size_t most);
    ~BoundedLabels();
    BoundedLabels(BoundedLabels&&) noexcept;
    BoundedLabels& operator=(BoundedLabels&&) noexcept;

    // As it will be written, so that two that are written alike are one. Holds as long as this
    // object.
    std::string_view of(std::string_view value);

  private:
    struct Known;
    std::unique_ptr<Known> known_;
};

// What is told while somebody reads.
class Reading {
  public:
    // A gauge, or a counter that is kept elsewhere. The same metric and label values at most once.
    void set(Metric const& metric, LabelValues values, double value);

  private:
    friend class Registry;
    struct Sheet;

    explicit Reading(Sheet& sheet) : sheet_(sheet) {}

    Sheet& sheet_;
};

class Registry {
  public:
    static constexpr std::size_t kMostModels = 100;  // by upstream

    Registry();
    ~Registry();
    Registry(Registry const&) = delete;
    Registry& operator=(Registry const&) = delete;

    // The same metric and values give the same series. A counter is there from now on, at zero.
    Counter counter(Metric const& metric, LabelValues values);
    Histogram histogram(Metric const& metric, LabelValues values);
    // Called at each read, for as long as the registry lives.
    void on_read(std::function<void(Reading&)> source);
    // The label values for models of an upstream, at most kMostModels; the same for all who ask.
    BoundedLabels& models_of(std::string_view upstream);

    // Everything in Prometheus' text format 0.0.4, metrics by name.
    std::string read();
    static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::metrics
