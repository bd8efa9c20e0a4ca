#include "proxy/body_hold.hpp"

#include "proxy/zstd.hpp"

#include <plimsoll/base/bytes.hpp>

#include <spdlog/fmt/fmt.h>

#include <utility>

namespace plimsoll::proxy {
namespace {

std::unexpected<Error> too_large(std::uint64_t limit) {
    return fail(
        Errc::TooLarge,
        fmt::format(
            "the request body is larger than {}; send less, or raise server.max_body",
            format_bytes(Bytes(limit))
        ),
        ErrorSource::Client
    );
}

}  // namespace

Result<void> HeldBody::grow_to(std::uint64_t size) {
    if (size <= counted_) {
        return {};
    }
    auto const more = size - counted_;
    if (more > pool_->limit || pool_->held > pool_->limit - more) {
        return fail(
            Errc::QueueFull,
            fmt::format(
                "{} more of request bodies would exceed the {} that may be held at once ({} are "
                "held now); "
                "try again later",
                format_bytes(Bytes(more)),
                format_bytes(Bytes(pool_->limit)),
                format_bytes(Bytes(pool_->held))
            )
        );
    }
    pool_->held += more;
    counted_ = size;
    return {};
}

void HeldBody::shrink_to(std::uint64_t size) {
    if (size < counted_) {
        pool_->held -= counted_ - size;
        counted_ = size;
    }
}

net::Task<Result<void>> HeldBody::read(net::Exchange& exchange, std::uint64_t limit) {
    auto const framing = exchange.head().framing;
    if (framing.kind == http::Framing::Kind::Chunked) {
        auto chunked = co_await read_chunked(exchange, limit);
        co_return chunked;
    }
    if (framing.kind == http::Framing::Kind::None) {
        co_return Result<void>();
    }
    if (framing.length > limit) {
        co_return too_large(limit);
    }
    // The announced size is booked before the first byte, so that a crowd of slow uploads cannot
    // overshoot together.
    auto booked = grow_to(framing.length);
    if (!booked) {
        co_return booked;
    }
    auto read = co_await exchange.read_body(body_, limit);
    co_return read;
}

net::Task<Result<void>> HeldBody::read_chunked(net::Exchange& exchange, std::uint64_t limit) {
    for (;;) {
        auto piece = co_await exchange.read_body_some();
        if (!piece) {
            co_return fail(std::move(piece.error()));
        }
        if (piece->empty()) {
            co_return Result<void>();
        }
        if (body_.size() + piece->size() > limit) {
            co_return too_large(limit);
        }
        auto booked = grow_to(body_.size() + piece->size());
        if (!booked) {
            co_return booked;
        }
        body_.append(*piece);
    }
}

Result<void> HeldBody::decode(std::uint64_t limit) {
    net::Body plain;
    auto decoded = decode_zstd(body_.view(), limit, plain);
    if (!decoded) {
        return decoded;
    }
    auto booked = grow_to(plain.size());
    if (!booked) {
        return booked;
    }
    body_ = std::move(plain);
    shrink_to(body_.size());
    is_decoded_ = true;
    return {};
}

}  // namespace plimsoll::proxy
