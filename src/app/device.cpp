#include "app/device.hpp"

#include "app/process.hpp"

#include <plimsoll/base/address.hpp>
#include <plimsoll/log/log.hpp>

namespace plimsoll::app {
namespace {

constexpr log::Logger kLog("app");

}  // namespace

std::vector<Bytes> LocalDevice::totals() const {
    std::vector<Bytes> out;
    for (auto const& card : cards) {
        out.push_back(card.total);
    }
    return out;
}

std::vector<std::string> LocalDevice::names() const {
    std::vector<std::string> out;
    for (auto const& card : cards) {
        out.push_back(card.name.empty() ? card.id : card.name);
    }
    return out;
}

std::string LocalDevice::id() const {
    std::string out;
    for (auto const& card : cards) {
        out += (out.empty() ? "" : "+") + card.id;
    }
    return out;
}

LocalDevice find_device(config::Config const& config) {
    LocalDevice out;
    auto found = probe::find_probe({.nvml = config.nvml_library, .drm = config.drm_folder});
    if (!found.problem.empty()) {
        kLog.warning("A GPU's driver is there, but does not tell its memory: " + found.problem);
    }
    if (!found.probe) {
        return out;
    }
    auto cards = found.probe->read();
    if (!cards) {
        kLog.warning("The GPU's memory cannot be read: " + cards.error().message);
        return out;
    }
    out.probe = std::move(found.probe);
    out.cards = std::move(*cards);
    for (auto const& card : out.cards) {
        kLog.info(
            (card.name.empty() ? card.id : card.name) + ": " + format_bytes(card.total) + ", " +
                format_bytes(card.used) + " in use",
            {{"source", out.probe->source()}}
        );
    }
    return out;
}

bool is_local(upstream::UpstreamConfig const& upstream) {
    auto const url = upstream::parse_url(upstream.url);
    return url && is_loopback(url->host);
}

}  // namespace plimsoll::app
