#include "control/event_stream.hpp"

#include "control/impl.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::control {
namespace {

constexpr Duration kHeartbeat = std::chrono::seconds(15);
constexpr Duration kDrainCheck = std::chrono::seconds(1);

// What an open stream shares with the engines' listeners.
struct Reader {
    Reader(net::Loop& loop, std::vector<std::uint64_t> sequences)
        : news(loop), buffer(std::move(sequences)) {}

    net::Flag news;
    EventBuffer buffer;
};

std::vector<std::uint64_t> last_sequences(std::vector<engine::Engine*> const& engines) {
    std::vector<std::uint64_t> out;
    for (auto const* engine : engines) {
        auto const kept = engine->recent_events(0);
        out.push_back(kept.empty() ? 0 : kept.back().sequence);
    }
    return out;
}

}  // namespace

std::string event_id(std::vector<std::uint64_t> const& sequences) {
    std::string out;
    for (auto const sequence : sequences) {
        out += fmt::format("{}{}", out.empty() ? "" : ",", sequence);
    }
    return out;
}

std::optional<std::vector<std::uint64_t>> parse_event_id(
    std::string_view text, std::size_t engines
) {
    std::vector<std::uint64_t> out;
    for (auto const part : split(trim(text), ',')) {
        auto const sequence = parse_u64(part);
        if (!sequence) {
            return std::nullopt;
        }
        out.push_back(*sequence);
    }
    return out.size() == engines ? std::optional(std::move(out)) : std::nullopt;
}

void EventBuffer::add(std::size_t engine, engine::EngineEvent const& event) {
    sequences_[engine] = event.sequence;
    auto line = fmt::format(
        "id: {}\nevent: {}\ndata: {}\n\n", event_id(sequences_), event.kind, event.json
    );
    bytes_ += line.size();
    lines_.push_back(std::move(line));
    while (bytes_ > kMaxBytes && lines_.size() > 1) {
        bytes_ -= lines_.front().size();
        lines_.pop_front();
        ++dropped_;
    }
}

std::string EventBuffer::take() {
    std::string out;
    out.reserve(bytes_ + 64);
    if (dropped_ != 0) {
        out += fmt::format("event: missed\ndata: {{\"events\":{}}}\n\n", dropped_);
        dropped_ = 0;
    }
    for (auto const& line : lines_) {
        out += line;
    }
    lines_.clear();
    bytes_ = 0;
    return out;
}

net::Task<void> Control::Impl::events(net::Exchange& exchange) {
    http::Fields fields;
    fields.add("Content-Type", "text/event-stream");
    fields.add("Cache-Control", "no-store");
    if (exchange.head().method == http::Method::Head) {
        auto const sent = co_await exchange.respond(http::Reply{200, fields, {}});
        static_cast<void>(sent);
        co_return;
    }
    auto& loop = exchange.loop();
    auto const& engines = context.engines;
    auto const last_id = exchange.head().fields.get("Last-Event-ID");
    auto const after = last_id ? parse_event_id(*last_id, engines.size()) : std::nullopt;
    auto const reader = std::make_shared<Reader>(loop, after ? *after : last_sequences(engines));
    std::vector<std::shared_ptr<void>> subscriptions;
    for (std::size_t i = 0; i < engines.size(); ++i) {
        if (after) {
            auto const missed = engines[i]->recent_events((*after)[i]);
            std::ranges::for_each(missed, [&](auto const& event) { reader->buffer.add(i, event); });
        }
        subscriptions.push_back(engines[i]->subscribe([reader,
                                                       i](engine::EngineEvent const& event) {
            reader->buffer.add(i, event);
            reader->news.set();
        }));
    }
    auto const started =
        co_await exchange.start(200, "OK", fields, {http::Framing::Kind::Chunked, 0}, true);
    bool is_there = started.has_value();
    auto heartbeat = loop.now() + kHeartbeat;
    // A stream without end would hold up a shutdown: it ends when we drain.
    while (is_there && !is_draining()) {
        reader->news.reset();
        std::string text;
        if (!reader->buffer.is_empty()) {
            text = reader->buffer.take();
        } else if (loop.now() >= heartbeat) {
            text = ": still here\n\n";
        }
        if (!text.empty()) {
            heartbeat = loop.now() + kHeartbeat;
            auto const written = co_await exchange.write(text);
            is_there = written.has_value();
        } else {
            auto const until = std::min(heartbeat, loop.now() + kDrainCheck);
            auto const waited = co_await reader->news.wait(until, &exchange.canceller());
            is_there = waited.has_value() || waited.error().code == Errc::Timeout;
        }
    }
    subscriptions.clear();
    if (is_there) {
        auto const finished = co_await exchange.finish();
        static_cast<void>(finished);
    }
}

}  // namespace plimsoll::control
