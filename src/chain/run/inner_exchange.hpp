#pragma once
// A request that a run makes of the daemon itself: what the proxy sees is a client's exchange, only
// without a connection. Loop thread only.

#include <plimsoll/http/trace_context.hpp>
#include <plimsoll/net/server.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace plimsoll::chain {

class InnerExchange final : public net::Exchange {
  public:
    struct Request {
        std::string path;
        std::string body;      // JSON
        std::string client;    // for the queue
        std::string priority;  // value of the field Priority; may be empty
        http::TraceContext trace{};
    };

    // Gets each piece of a successful answer's body as it comes.
    using Sink = std::function<void(std::string_view)>;

    // The canceller and the loop must outlive it.
    InnerExchange(net::Loop& loop, net::Canceller& canceller, Request request, Sink sink);

    // The answer's status; 0: there was none.
    [[nodiscard]] unsigned status() const { return status_; }

    [[nodiscard]] http::Fields const& fields() const { return fields_; }

    // The body of an answer that is no success.
    [[nodiscard]] std::string const& error_body() const { return error_body_; }

    // It was cut off before its end.
    [[nodiscard]] bool is_broken() const { return is_broken_; }

    [[nodiscard]] http::RequestHead const& head() const override { return head_; }

    [[nodiscard]] std::string const& peer() const override { return request_.client; }

    [[nodiscard]] bool is_secure() const override { return false; }

    net::Loop& loop() override { return loop_; }

    net::Canceller& canceller() override { return canceller_; }

    net::Task<Result<void>> read_body(net::Body& out, std::uint64_t limit) override;
    net::Task<Result<std::string_view>> read_body_some() override;
    net::Task<Result<void>> respond(http::Reply reply) override;
    net::Task<Result<void>> start(
        unsigned status,
        std::string_view reason,
        http::Fields const& fields,
        http::Framing framing,
        bool flush_head
    ) override;
    net::Task<Result<void>> write(std::string_view bytes) override;
    net::Task<Result<void>> finish() override;
    net::Task<Result<void>> write_interim(unsigned status, http::Fields const& fields) override;
    net::Task<Result<void>> write_raw(std::string_view bytes) override;

    void abort() override { is_broken_ = true; }

    void close_after() override {}

    [[nodiscard]] bool has_started() const override { return status_ != 0; }

    [[nodiscard]] std::uint64_t bytes_written() const override { return written_; }

  private:
    void take(std::string_view bytes);

    net::Loop& loop_;
    net::Canceller& canceller_;
    Request request_;
    Sink sink_;
    http::RequestHead head_;
    unsigned status_ = 0;
    http::Fields fields_;
    std::string error_body_;
    std::uint64_t written_ = 0;
    bool is_read_ = false;
    bool is_broken_ = false;
};

}  // namespace plimsoll::chain
