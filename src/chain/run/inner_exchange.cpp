#include "chain/run/inner_exchange.hpp"

#include <utility>

namespace plimsoll::chain {

namespace {

constexpr std::size_t kMostOfError = 64U << 10U;

net::Task<Result<void>> done() {
    co_return Result<void>();
}

}  // namespace

InnerExchange::InnerExchange(net::Loop& loop, net::Canceller& canceller, Request request, Sink sink)
    : loop_(loop), canceller_(canceller), request_(std::move(request)), sink_(std::move(sink)) {
    head_.method = http::Method::Post;
    head_.target = request_.path;
    head_.path = request_.path;
    head_.fields.add("Content-Type", "application/json");
    if (!request_.priority.empty()) {
        head_.fields.add("Priority", request_.priority);
    }
    if (!request_.trace.parent.empty()) {
        head_.fields.add("traceparent", request_.trace.parent);
    }
    if (!request_.trace.state.empty()) {
        head_.fields.add("tracestate", request_.trace.state);
    }
    head_.framing = {http::Framing::Kind::Length, request_.body.size()};
}

net::Task<Result<void>> InnerExchange::read_body(net::Body& out, std::uint64_t limit) {
    if (request_.body.size() > limit) {
        co_return fail(
            Errc::TooLarge, "the request of this step is larger than server.max_body allows"
        );
    }
    out.append(request_.body);
    is_read_ = true;
    co_return Result<void>();
}

net::Task<Result<std::string_view>> InnerExchange::read_body_some() {
    bool const is_first = !std::exchange(is_read_, true);
    co_return is_first ? std::string_view(request_.body) : std::string_view();
}

void InnerExchange::take(std::string_view bytes) {
    written_ += bytes.size();
    if (status_ == 200) {
        sink_(bytes);
    } else if (error_body_.size() < kMostOfError) {
        error_body_ += bytes.substr(0, kMostOfError - error_body_.size());
    }
}

net::Task<Result<void>> InnerExchange::respond(http::Reply reply) {
    status_ = reply.status;
    fields_ = std::move(reply.fields);
    take(reply.body);
    return done();
}

net::Task<Result<void>> InnerExchange::start(
    unsigned status, std::string_view, http::Fields const& fields, http::Framing, bool
) {
    status_ = status;
    fields_ = fields;
    return done();
}

net::Task<Result<void>> InnerExchange::write(std::string_view bytes) {
    take(bytes);
    return done();
}

net::Task<Result<void>> InnerExchange::finish() {
    return done();
}

net::Task<Result<void>> InnerExchange::write_interim(unsigned, http::Fields const&) {
    return done();
}

net::Task<Result<void>> InnerExchange::write_raw(std::string_view) {
    return done();
}

}  // namespace plimsoll::chain
