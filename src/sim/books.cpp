#include "sim/books.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace plimsoll::sim {

bool Vram::take(Bytes bytes) {
    if (bytes > free()) {
        return false;
    }
    in_use_ += bytes;
    peak_ = std::max(peak_, in_use_);
    return true;
}

void Books::note(
    TimePoint now,
    std::string_view what,
    std::string_view model,
    Bytes bytes,
    std::string_view detail
) {
    if (log_.size() == kMaxLog) {
        log_.pop_front();
    }
    log_.push_back(
        {to_seconds(now - begin_) * 1000,
         std::string(what),
         std::string(model),
         std::string(detail),
         bytes,
         vram.in_use()}
    );
}

void Books::reset() {
    vram.reset_peak();
    count = {};
    requests_.clear();
    log_.clear();
}

boost::json::object Books::to_json() const {
    boost::json::object requests;
    for (auto const& [model, number] : requests_) {
        requests[model] = number;
    }
    boost::json::array log;
    for (auto const& entry : log_) {
        boost::json::object line{
            {"t_ms", entry.ms},
            {"what", entry.what},
            {"model", entry.model},
            {"bytes", entry.bytes.count()},
            {"in_use", entry.in_use.count()},
        };
        if (!entry.detail.empty()) {
            line["detail"] = entry.detail;
        }
        log.push_back(std::move(line));
    }
    return {
        {"physical", vram.physical().count()},
        {"in_use", vram.in_use().count()},
        {"peak", vram.peak().count()},
        {"out_of_memory", count.out_of_memory},
        {"loads", count.loads},
        {"unloads", count.unloads},
        {"aborted_loads", count.aborted_loads},
        {"failed_loads", count.failed_loads},
        {"reloads", count.reloads},
        {"self_evictions", count.self_evictions},
        {"crashes", count.crashes},
        {"busy", count.busy},
        {"faults", count.faults},
        {"requests", std::move(requests)},
        {"log", std::move(log)},
    };
}

}  // namespace plimsoll::sim
