#include "control/event_stream.hpp"

#include "control/impl.hpp"
#include "control/query.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

namespace plimsoll::control {
namespace {

using namespace std::string_view_literals;

constexpr Duration kHeartbeat = std::chrono::seconds(15);
constexpr Duration kDrainCheck = std::chrono::seconds(1);

std::uint64_t last_sequence(engine::Engine const& engine) {
    auto const kept = engine.recent_events(0);
    return kept.empty() ? 0 : kept.back().sequence;
}

std::vector<std::uint64_t> last_sequences(std::vector<engine::Engine*> const& engines) {
    std::vector<std::uint64_t> out;
    for (auto const* engine : engines) {
        out.push_back(last_sequence(*engine));
    }
    return out;
}

// An id of the future is one from before our start: everything since then is news.
std::vector<std::uint64_t> known_here(
    std::vector<std::uint64_t> sequences, std::vector<engine::Engine*> const& engines
) {
    for (std::size_t i = 0; i < engines.size(); ++i) {
        if (sequences[i] > last_sequence(*engines[i])) {
            sequences[i] = 0;
        }
    }
    return sequences;
}

// What a request for events asks for.
struct Wish {
    std::optional<std::vector<std::uint64_t>> after;  // nullopt: from now on
    bool follows = true;                              // else what is kept, and the end
};

Result<Wish> read_wish(http::RequestHead const& head, std::vector<engine::Engine*> const& all) {
    auto const engines = all.size();
    static constexpr std::array kParameters{"after"sv, "follow"sv};
    auto const query = read_query(head, kParameters);
    if (!query) {
        return fail(query.error());
    }
    auto const follows = flag_parameter(*query, "follow", true);
    if (!follows) {
        return fail(follows.error());
    }
    Wish out{.after = std::nullopt, .follows = *follows};
    if (auto const after = query->find("after"sv); after != query->end()) {
        out.after = parse_event_id(after->second, engines);
        if (!out.after) {
            return fail(
                Errc::BadRequest,
                fmt::format(
                    "\"after\" in the query must be the id of an event, {} separated by commas",
                    engines == 1 ? "one number" : fmt::format("{} numbers", engines)
                ),
                ErrorSource::Client
            );
        }
    }
    // What a browser sends by itself when it connects again. An id from before a restart with other
    // upstreams must not keep it out.
    if (auto const last_id = head.fields.get("Last-Event-ID")) {
        if (auto parsed = parse_event_id(*last_id, engines)) {
            out.after = std::move(parsed);
        }
    }
    if (!out.after && !out.follows) {
        out.after = std::vector<std::uint64_t>(engines, 0);
    }
    if (out.after) {
        out.after = known_here(std::move(*out.after), all);
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

// Until the reader leaves. A stream without end would hold up a shutdown: it ends when we drain.
net::Task<void> Control::Impl::tell_events(net::Exchange& exchange, EventReader& reader) {
    auto& loop = exchange.loop();
    auto heartbeat = loop.now() + kHeartbeat;
    bool is_there = true;
    while (is_there && !is_draining()) {
        reader.news.reset();
        std::string text;
        if (!reader.buffer.is_empty()) {
            text = reader.buffer.take();
        } else if (loop.now() >= heartbeat) {
            text = ": still here\n\n";
        }
        if (!text.empty()) {
            heartbeat = loop.now() + kHeartbeat;
            auto const written = co_await exchange.write(text);
            is_there = written.has_value();
        } else {
            auto const until = std::min(heartbeat, loop.now() + kDrainCheck);
            auto const waited = co_await reader.news.wait(until, &exchange.canceller());
            is_there = waited.has_value() || waited.error().code == Errc::Timeout;
        }
    }
    if (is_there) {
        auto const finished = co_await exchange.finish();
        static_cast<void>(finished);
    }
}

net::Task<void> Control::Impl::events(net::Exchange& exchange) {
    auto const& engines = context.engines;
    auto const wish = read_wish(exchange.head(), engines);
    if (!wish) {
        co_await respond_error(exchange, wish.error());
        co_return;
    }
    http::Fields fields;
    fields.add("Content-Type", "text/event-stream");
    fields.add("Cache-Control", "no-store");
    auto& loop = exchange.loop();
    auto const reader =
        std::make_shared<EventReader>(loop, wish->after ? *wish->after : last_sequences(engines));
    std::vector<std::shared_ptr<void>> subscriptions;
    for (std::size_t i = 0; i < engines.size(); ++i) {
        if (wish->after) {
            auto const missed = engines[i]->recent_events((*wish->after)[i]);
            std::ranges::for_each(missed, [&](auto const& event) { reader->buffer.add(i, event); });
        }
        subscriptions.push_back(engines[i]->subscribe([reader,
                                                       i](engine::EngineEvent const& event) {
            reader->buffer.add(i, event);
            reader->news.set();
        }));
    }
    if (!wish->follows || exchange.head().method == http::Method::Head) {
        auto const sent =
            co_await exchange.respond(http::Reply{200, fields, reader->buffer.take()});
        static_cast<void>(sent);
        co_return;
    }
    auto const started =
        co_await exchange.start(200, "OK", fields, {http::Framing::Kind::Chunked, 0}, true);
    if (started) {
        co_await tell_events(exchange, *reader);
    }
}

}  // namespace plimsoll::control
