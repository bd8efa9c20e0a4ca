#include "engine/measurements.hpp"

#include <plimsoll/engine/engine.hpp>
#include <plimsoll/log/log.hpp>

#include <algorithm>

namespace plimsoll::engine {
namespace {

constexpr log::Logger kLog("engine");
constexpr double kNewest = 0.3;  // weight of the newest sample in a moving average

std::string key_of(std::string_view weights, std::string_view settings) {
    std::string key(weights);
    key += '\n';
    key += settings;
    return key;
}

Duration average(Duration old, Duration sample) {
    if (old == Duration{}) {
        return sample;
    }
    return from_seconds(to_seconds(old) * (1 - kNewest) + to_seconds(sample) * kNewest);
}

}  // namespace

// Shared with the worker, so that whoever ends first leaves the other something to write to.
struct Measurements::Read {
    explicit Read(net::Loop& loop) : done(loop) {}

    net::Flag done;
    Result<std::vector<store::Measurement>> measured;
    Result<std::vector<store::KnownRow>> rows;
    Result<std::vector<store::Calibration>> calibrations;
};

Measurements::Measurements(net::Loop& loop, store::Store& store, std::string upstream)
    : loop_(loop), store_(store), upstream_(std::move(upstream)) {}

net::Task<void> Measurements::restore() {
    auto const read = std::make_shared<Read>(loop_);
    loop_.run_blocking(
        [read, store = &store_] {
            read->measured = store->measurements();
            read->rows = store->known_rows();
            read->calibrations = store->calibrations();
        },
        [read] { read->done.set(); }
    );
    co_await read->done.wait();
    if (!read->measured || !read->rows) {
        auto const& error = read->measured ? read->rows.error() : read->measured.error();
        kLog.warning(
            "the state file cannot be read; starting without measured sizes: " + error.message
        );
    }
    if (read->calibrations) {
        calibrations_ = std::move(*read->calibrations);
    }
    if (read->measured) {
        for (auto& one : *read->measured) {
            if (one.upstream == upstream_) {
                measured_.insert_or_assign(key_of(one.weights, one.settings), std::move(one));
            }
        }
    }
    if (read->rows) {
        for (auto& row : *read->rows) {
            auto const parsed = parse_settings_key(row.settings);
            if (row.upstream == upstream_ && parsed) {
                known_.insert_or_assign(
                    row.weights,
                    KnownSettings{
                        .form = parsed->first,
                        .settings = parsed->second,
                        .charge = row.charge,
                        .model = std::move(row.model),
                    }
                );
            }
        }
    }
}

store::Measurement const* Measurements::find(std::string_view weights, std::string_view settings)
    const {
    auto const found = measured_.find(key_of(weights, settings));
    return found == measured_.end() ? nullptr : &found->second;
}

store::Measurement& Measurements::entry(std::string const& weights, std::string const& settings) {
    auto& one = measured_[key_of(weights, settings)];
    if (one.weights.empty()) {
        one.upstream = upstream_;
        one.weights = weights;
        one.settings = settings;
    }
    return one;
}

void Measurements::loaded(std::string const& weights, std::string const& settings, Duration took) {
    auto& one = entry(weights, settings);
    one.load_time = average(one.load_time, took);
    ++one.samples;
    save(one);
}

bool Measurements::seen(
    std::string const& weights, std::string const& settings, Bytes size, Bytes size_vram
) {
    auto const* old = find(weights, settings);
    if (size.is_zero() || (old != nullptr && old->size == size && old->size_vram == size_vram)) {
        return false;
    }
    auto& one = entry(weights, settings);
    auto const before = one.charge;
    one.size = size;
    one.size_vram = size_vram;
    one.charge = std::max(one.charge, taken(size, size_vram));
    save(one);
    return one.charge != before;
}

memory::Sizes sizes_of(store::Measurement const& measurement, std::string_view server) {
    if (measurement.server != server) {
        return {};
    }
    return {
        .bytes =
            {.count = measurement.size_count,
             .mean = measurement.size_mean,
             .squares = measurement.size_squares,
             .largest = measurement.size_largest},
        .agreeing = measurement.size_agreeing
    };
}

memory::Sizes Measurements::sized(
    std::string const& weights, std::string const& settings, std::string const& server, Bytes listed
) {
    auto& one = entry(weights, settings);
    memory::Sizes sizes = sizes_of(one, server);
    sizes.add(listed);
    one.server = server;
    one.size_count = sizes.bytes.count;
    one.size_mean = sizes.bytes.mean;
    one.size_squares = sizes.bytes.squares;
    one.size_largest = sizes.bytes.largest;
    one.size_agreeing = sizes.agreeing;
    save(one);
    return sizes;
}

void Measurements::unloaded(
    std::string const& weights, std::string const& settings, Duration took
) {
    auto& one = entry(weights, settings);
    one.unload_time = average(one.unload_time, took);
    save(one);
}

void Measurements::answered(
    std::string const& weights, std::string const& settings, Duration mean
) {
    if (mean > Duration{}) {
        auto& one = entry(weights, settings);
        one.answer_time = mean;
        save(one);
    }
}

KnownSettings const* Measurements::known(std::string const& weights) const {
    auto const found = known_.find(weights);
    return found == known_.end() ? nullptr : &found->second;
}

void Measurements::remember(std::string const& weights, KnownSettings known) {
    store::KnownRow row;
    row.upstream = upstream_;
    row.weights = weights;
    row.model = known.model;
    row.settings = settings_key(known.form, known.settings);
    row.charge = known.charge;
    known_.insert_or_assign(weights, std::move(known));
    write([row = std::move(row)](store::Store& store) { return store.save(row); });
}

void Measurements::forget_row(std::string const& weights) {
    if (known_.erase(weights) != 0) {
        write([upstream = upstream_, weights](store::Store& store) {
            return store.forget_row(upstream, weights);
        });
    }
}

void Measurements::save(store::Measurement const& measurement) {
    write([measurement](store::Store& store) { return store.save(measurement); });
}

void Measurements::save(store::Calibration const& calibration) {
    write([calibration](store::Store& store) { return store.save(calibration); });
}

void Measurements::write(std::move_only_function<Result<void>(store::Store&)> work) {
    ++writes_->pending;
    auto result = std::make_shared<Result<void>>();
    loop_.run_blocking(
        [work = std::move(work), store = &store_, result]() mutable { *result = work(*store); },
        [writes = writes_, result] {
            --writes->pending;
            if (!*result && !writes->has_failed) {
                writes->has_failed = true;
                kLog.warning(
                    "the state file cannot be written; measured sizes will be lost at the next "
                    "start: " +
                    result->error().message
                );
            }
        }
    );
}

}  // namespace plimsoll::engine
