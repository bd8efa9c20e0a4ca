#include "app/listeners.hpp"

#include "app/process.hpp"

#include <plimsoll/base/address.hpp>

#include <algorithm>
#include <utility>

namespace plimsoll::app {

Result<void> Listeners::add(ListenerRole role, net::ServerConfig config, net::Handler handler) {
    One one{.role = role, .scheme = config.tls ? "https" : "http", .address = config.address};
    one.server = std::make_unique<net::Server>(loop_, std::move(config), std::move(handler));
    auto listening = one.server->listen();
    if (listening) {
        all_.push_back(std::move(one));
    }
    return listening;
}

void Listeners::reconfigure(net::ServerConfig const& config) {
    for (auto const& one : all_) {
        one.server->reconfigure(config);
    }
}

void Listeners::drain() {
    for (auto const& one : all_) {
        one.server->drain();
    }
}

void Listeners::close() {
    for (auto const& one : all_) {
        one.server->close();
    }
}

std::size_t Listeners::connections() const {
    std::size_t sum = 0;
    for (auto const& one : all_) {
        sum += one.server->connections();
    }
    return sum;
}

bool Listeners::are_local() const {
    return std::ranges::all_of(all_, [](One const& one) { return is_loopback(one.address); });
}

std::vector<std::string> Listeners::addresses(ListenerRole role) const {
    std::vector<std::string> out;
    for (auto const& one : all_) {
        if (one.role == role) {
            out.push_back(
                net::unix_path(one.address)
                    ? one.address
                    : one.scheme + "://" + authority_of(one.address, one.server->port())
            );
        }
    }
    return out;
}

}  // namespace plimsoll::app
