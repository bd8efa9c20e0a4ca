#include "sim/session.hpp"

#include <plimsoll/http/chunked.hpp>
#include <plimsoll/http/reply.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::sim {

namespace {

constexpr std::size_t kBuffered = 2048;  // what Go's server holds back to find out the length
constexpr std::size_t kDripBytes = 4;
constexpr std::size_t kMostDrips = 100;  // of one write, so that a large answer ends in seconds

http::Framing with_length(std::size_t size) {
    return {http::Framing::Kind::Length, size};
}

}  // namespace

Session::Session(World& world, net::Exchange& exchange)
    : world_(&world),
      exchange_(&exchange),
      client_(exchange.canceller(), [this] { canceller_.cancel(); }) {
    world_->sessions.insert(this);
}

Session::~Session() {
    world_->sessions.erase(this);
}

http::Fields Session::fields(std::string_view content_type) const {
    http::Fields out;
    for (auto const field : extra_) {
        out.add(field.name, field.value);
    }
    if (!content_type.empty()) {
        out.add("Content-Type", content_type);
    }
    return out;
}

net::Task<void> Session::reply(unsigned status, std::string_view content_type, std::string body) {
    if (is_cut_) {
        co_return;
    }
    bool const has_content =
        exchange_->head().method != http::Method::Head && status != 204 && status != 304;
    bool const plain = !drip_ && !single_bytes_ && (body.size() <= kBuffered || !has_content);
    if (plain) {
        co_await exchange_->respond({status, fields(content_type), std::move(body)});
        co_return;
    }
    auto const framing = body.size() <= kBuffered ? with_length(body.size())
                                                  : http::Framing{http::Framing::Kind::Chunked, 0};
    if (single_bytes_) {
        auto head = http::write_response_head(
            status, http::reason_phrase(status), fields(content_type), framing, false, 1
        );
        if (framing.kind == http::Framing::Kind::Chunked) {
            body = fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", body.size(), body);
        }
        co_await put_raw(head + (has_content ? body : std::string()));
        co_return;
    }
    auto const started = co_await exchange_->start(
        status, http::reason_phrase(status), fields(content_type), framing, false
    );
    if (!started) {
        co_return;
    }
    bool const written = co_await put(body);
    if (written && !is_cut_) {
        co_await exchange_->finish();
    }
}

net::Task<void> Session::json(unsigned status, boost::json::value const& body) {
    co_await reply(status, "application/json; charset=utf-8", boost::json::serialize(body));
}

net::Task<void> Session::error(unsigned status, std::string_view text) {
    if (status != 0) {
        co_await json(status, boost::json::object{{"error", text}});
    }
}

net::Task<bool> Session::begin_stream(std::string_view content_type, bool event_stream_fields) {
    if (is_cut_) {
        co_return false;
    }
    auto all = fields(content_type);
    if (event_stream_fields) {
        all.add("Cache-Control", "no-cache");
    }
    http::Framing const chunked{http::Framing::Kind::Chunked, 0};
    if (single_bytes_) {
        auto const head = http::write_response_head(200, "OK", all, chunked, false, 1);
        co_return co_await put_raw(head);
    }
    auto const started = co_await exchange_->start(200, "OK", all, chunked, false);
    co_return started.has_value();
}

net::Task<bool> Session::write(std::string_view bytes) {
    if (single_bytes_) {
        co_return co_await put_raw(fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes));
    }
    co_return co_await put(bytes);
}

net::Task<bool> Session::put(std::string_view bytes) {
    auto const piece =
        drip_ ? std::max(kDripBytes, (bytes.size() + kMostDrips - 1) / kMostDrips) : bytes.size();
    while (!bytes.empty() && !is_cut_) {
        auto const size = std::min(piece, bytes.size());
        auto const written = co_await exchange_->write(bytes.substr(0, size));
        if (!written) {
            co_return false;
        }
        bytes.remove_prefix(size);
        if (drip_ && !bytes.empty()) {
            auto const slept =
                co_await net::sleep_until(world_->loop, world_->now() + *drip_, &canceller_);
            if (!slept) {
                co_return false;
            }
        }
    }
    co_return !is_cut_;
}

net::Task<bool> Session::put_raw(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size() && !is_cut_; ++i) {
        auto const written = co_await exchange_->write_raw(bytes.substr(i, 1));
        if (!written) {
            co_return false;
        }
    }
    co_return !is_cut_;
}

net::Task<void> Session::end_stream() {
    if (is_cut_) {
        co_return;
    }
    if (single_bytes_) {
        co_await put_raw("0\r\n\r\n");
        co_return;
    }
    co_await exchange_->finish();
}

net::Task<void> Session::garbage() {
    co_await exchange_->write_raw("\x16\x03\x01 this is not HTTP\r\n\r\nHTTP/9.9 banana\r\n\r\n");
    exchange_->abort();
}

void Session::cut() {
    is_cut_ = true;
    exchange_->abort();
    canceller_.cancel();
}

}  // namespace plimsoll::sim
