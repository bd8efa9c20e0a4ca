#include "metrics/label_text.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/metrics/registry.hpp>

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>
#include <locale>
#include <map>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

namespace plimsoll::metrics {
namespace {

constexpr std::string_view kOther = "other";

std::size_t labels_of(Metric const& metric) {
    auto const unused = std::ranges::find(metric.labels, std::string_view());
    return static_cast<std::size_t>(std::distance(metric.labels.begin(), unused));
}

prometheus::Labels labels_for(Metric const& metric, LabelValues values) {
    PLIMSOLL_ASSERT(values.size() == labels_of(metric));
    prometheus::Labels out;
    std::size_t at = 0;
    for (auto const value : values) {
        out.emplace(metric.labels[at++], label_text(value));
    }
    return out;
}

}  // namespace

void Counter::add(double by) const {
    if (counter_ != nullptr) {
        counter_->Increment(by);
    }
}

void Counter::increment() const {
    if (counter_ != nullptr) {
        counter_->Increment();
    }
}

void Histogram::observe(double value) const {
    if (histogram_ != nullptr) {
        histogram_->Observe(value);
    }
}

struct BoundedLabels::Known {
    std::size_t most;
    std::set<std::string> values;
};

BoundedLabels::BoundedLabels(std::size_t most)
    : known_(std::make_unique<Known>(Known{.most = most, .values = {}})) {}

BoundedLabels::~BoundedLabels() = default;
BoundedLabels::BoundedLabels(BoundedLabels&&) noexcept = default;
BoundedLabels& BoundedLabels::operator=(BoundedLabels&&) noexcept = default;

std::string_view BoundedLabels::of(std::string_view value) {
    auto text = label_text(value);
    auto const found = known_->values.find(text);
    if (found != known_->values.end()) {
        return *found;
    }
    if (known_->values.size() >= known_->most) {
        return kOther;
    }
    return *known_->values.insert(std::move(text)).first;
}

struct Reading::Sheet {
    std::map<std::string_view, prometheus::MetricFamily> families;
};

void Reading::set(Metric const& metric, LabelValues values, double value) {
    auto& family = sheet_.families[metric.name];
    if (family.name.empty()) {
        family.name = metric.name;
        family.help = metric.help;
        family.type = metric.kind == Kind::Counter ? prometheus::MetricType::Counter
                                                   : prometheus::MetricType::Gauge;
    }
    prometheus::ClientMetric series;
    for (auto const& [name, text] : labels_for(metric, values)) {
        series.label.push_back({name, text});
    }
    if (metric.kind == Kind::Counter) {
        series.counter.value = value;
    } else {
        series.gauge.value = value;
    }
    family.metric.push_back(std::move(series));
}

struct Registry::Impl {
    prometheus::Registry kept;
    std::map<std::string, prometheus::Family<prometheus::Counter>*, std::less<>> counters;
    std::map<std::string, prometheus::Family<prometheus::Histogram>*, std::less<>> histograms;
    std::vector<std::function<void(Reading&)>> sources;
    std::map<std::string, BoundedLabels, std::less<>> models;
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}

Registry::~Registry() = default;

Counter Registry::counter(Metric const& metric, LabelValues values) {
    PLIMSOLL_ASSERT(metric.kind == Kind::Counter);
    auto& family = impl_->counters[std::string(metric.name)];
    if (family == nullptr) {
        family = &prometheus::BuildCounter()
                      .Name(std::string(metric.name))
                      .Help(std::string(metric.help))
                      .Register(impl_->kept);
    }
    return Counter(family->Add(labels_for(metric, values)));
}

Histogram Registry::histogram(Metric const& metric, LabelValues values) {
    PLIMSOLL_ASSERT(metric.kind == Kind::Histogram);
    auto& family = impl_->histograms[std::string(metric.name)];
    if (family == nullptr) {
        family = &prometheus::BuildHistogram()
                      .Name(std::string(metric.name))
                      .Help(std::string(metric.help))
                      .Register(impl_->kept);
    }
    return Histogram(family->Add(
        labels_for(metric, values),
        prometheus::Histogram::BucketBoundaries(metric.buckets.begin(), metric.buckets.end())
    ));
}

void Registry::on_read(std::function<void(Reading&)> source) {
    impl_->sources.push_back(std::move(source));
}

BoundedLabels& Registry::models_of(std::string_view upstream) {
    return impl_->models.try_emplace(std::string(upstream), kMostModels).first->second;
}

std::string Registry::read() {
    Reading::Sheet sheet;
    Reading reading(sheet);
    for (auto const& source : impl_->sources) {
        source(reading);
    }
    auto all = impl_->kept.Collect();
    for (auto& [name, family] : sheet.families) {
        all.push_back(std::move(family));
    }
    std::ranges::sort(all, {}, &prometheus::MetricFamily::name);
    std::ostringstream out;
    out.imbue(std::locale::classic());
    prometheus::TextSerializer().Serialize(out, all);
    return std::move(out).str();
}

}  // namespace plimsoll::metrics
