#include "proxy/request_metrics.hpp"

namespace plimsoll::proxy {
namespace {

using metrics::Kind;
using metrics::Metric;

constexpr std::size_t kMostRemembered = 1024;  // names of models, by engine

constexpr Metric kRequests{
    .kind = Kind::Counter,
    .name = "plimsoll_requests_total",
    .help =
        "Requests of clients that ended, by template of their path (unknown paths: other) and "
        "status (none: the client left before an answer).",
    .labels = {"route", "code"}
};
constexpr Metric kReceived{
    .kind = Kind::Counter,
    .name = "plimsoll_request_body_bytes_total",
    .help = "Bytes of bodies that clients sent to be passed on.",
    .labels = {"route"}
};
constexpr Metric kSent{
    .kind = Kind::Counter,
    .name = "plimsoll_response_body_bytes_total",
    .help = "Bytes of bodies that clients got.",
    .labels = {"route"}
};
constexpr Metric kFirstByte{
    .kind = Kind::Histogram,
    .name = "plimsoll_first_byte_seconds",
    .help =
        "From the arrival of an inference request to the first byte of its model's answer: "
        "queue, load and prompt included.",
    .labels = {"upstream", "model"},
    .buckets = metrics::kSeconds
};
constexpr Metric kOwnRequests{
    .kind = Kind::Counter,
    .name = "plimsoll_chain_requests_total",
    .help = "Requests that steps of chains made; they are not among plimsoll_requests_total."
};
constexpr Metric kInFlight{
    .kind = Kind::Gauge,
    .name = "plimsoll_requests_in_flight",
    .help = "Requests of clients that have come and not ended."
};
constexpr Metric kHeld{
    .kind = Kind::Gauge,
    .name = "plimsoll_held_body_bytes",
    .help = "Bytes of request bodies in Plimsoll's memory; server.max_bodies bounds them."
};
constexpr Metric kBroken{
    .kind = Kind::Counter,
    .name = "plimsoll_broken_streams_total",
    .help = "Streams that the upstream ended without their end mark."
};

struct Code {
    unsigned status;
    std::string_view text;
};

// Above 599 and below 100 there is nothing but the last.
constexpr std::array kAll{
    Code{0, "none"},    Code{200, "200"}, Code{201, "201"}, Code{202, "202"}, Code{204, "204"},
    Code{206, "206"},   Code{301, "301"}, Code{304, "304"}, Code{307, "307"}, Code{400, "400"},
    Code{401, "401"},   Code{403, "403"}, Code{404, "404"}, Code{405, "405"}, Code{408, "408"},
    Code{409, "409"},   Code{411, "411"}, Code{413, "413"}, Code{415, "415"}, Code{416, "416"},
    Code{417, "417"},   Code{422, "422"}, Code{429, "429"}, Code{431, "431"}, Code{500, "500"},
    Code{501, "501"},   Code{502, "502"}, Code{503, "503"}, Code{504, "504"}, Code{507, "507"},
    Code{100, "1xx"},   Code{299, "2xx"}, Code{399, "3xx"}, Code{499, "4xx"}, Code{599, "5xx"},
    Code{999, "other"},
};

// The last six: those of a hundred, and what is no status at all.
constexpr std::size_t kHundreds = kAll.size() - 6;

constexpr auto kByStatus = [] {
    std::array<std::uint8_t, 600> out{};
    for (std::size_t status = 0; status < out.size(); ++status) {
        out[status] = static_cast<std::uint8_t>(
            status < 100 ? kAll.size() - 1 : kHundreds + status / 100 - 1
        );
    }
    for (std::size_t i = 0; i < kHundreds; ++i) {
        out[kAll[i].status] = static_cast<std::uint8_t>(i);
    }
    return out;
}();

std::size_t code_of(unsigned status) {
    return status < kByStatus.size() ? kByStatus[status] : kAll.size() - 1;
}

}  // namespace

RequestMetrics::RequestMetrics(
    metrics::Registry& registry, std::span<std::string_view const> own_paths, Watched watched
)
    : registry_(registry),
      watched_(watched),
      labels_(own_paths),
      routes_(labels_.size()),
      own_requests_(registry.counter(kOwnRequests, {})) {
    static_assert(kAll.size() <= kCodes);
}

std::shared_ptr<RequestMetrics> RequestMetrics::make(
    metrics::Registry& registry, std::span<std::string_view const> own_paths, Watched watched
) {
    auto made = std::make_shared<RequestMetrics>(registry, own_paths, watched);
    registry.on_read([weak = std::weak_ptr(made)](metrics::Reading& reading) {
        if (auto const alive = weak.lock()) {
            alive->tell(reading);
        }
    });
    return made;
}

void RequestMetrics::ended(Call const& call) {
    auto const label = labels_.find(call.route, call.exchange.head().path);
    auto& slot = routes_[label];
    if (!slot) {
        slot = std::make_unique<OfRoute>();
        slot->received = registry_.counter(kReceived, {labels_.text(label)});
        slot->sent = registry_.counter(kSent, {labels_.text(label)});
    }
    auto const code = code_of(call.status);
    if (!slot->is_made[code]) {
        slot->is_made[code] = true;
        slot->by_code[code] = registry_.counter(kRequests, {labels_.text(label), kAll[code].text});
    }
    slot->by_code[code].increment();
    slot->received.add(static_cast<double>(call.received));
    slot->sent.add(static_cast<double>(call.exchange.bytes_written()));
    note_first_byte(call);
}

void RequestMetrics::ended_own(Call const& call) {
    own_requests_.increment();
    note_first_byte(call);
}

void RequestMetrics::note_first_byte(Call const& call) {
    if (call.engine == nullptr || !call.info || call.first_byte == TimePoint{}) {
        return;
    }
    auto& known = first_bytes_[call.engine];
    auto found = known.find(call.info->name);
    if (found == known.end()) {
        if (known.size() >= kMostRemembered) {
            known.clear();
        }
        auto const& upstream = call.engine->provider().config().name;
        auto const model = registry_.models_of(upstream).of(call.info->name);
        found = known.emplace(call.info->name, registry_.histogram(kFirstByte, {upstream, model}))
                    .first;
    }
    found->second.observe(call.first_byte - call.started);
}

void RequestMetrics::tell(metrics::Reading& reading) const {
    reading.set(kInFlight, {}, static_cast<double>(in_flight_));
    reading.set(kHeld, {}, static_cast<double>(watched_.bodies.held));
    reading.set(kBroken, {}, static_cast<double>(watched_.broken_streams));
}

}  // namespace plimsoll::proxy
