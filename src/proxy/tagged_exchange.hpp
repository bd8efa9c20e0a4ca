#pragma once
// An exchange that adds the proxy's fields (request id, CORS) to whatever a handler of our own
// paths answers, notes the status for the log line, and shows the handler whom the key makes of the
// client. Lives as long as the call. Loop thread only.

#include "proxy/call.hpp"

#include <optional>

namespace plimsoll::proxy {

class TaggedExchange final : public net::Exchange {
  public:
    explicit TaggedExchange(Call& call) : call_(&call) {
        if (!call.priority_field.empty()) {
            head_ = call.exchange.head();
            head_->fields.set("Priority", call.priority_field);
        }
    }

    http::RequestHead const& head() const override { return head_ ? *head_ : inner().head(); }

    std::string const& peer() const override { return call_->client(); }

    bool is_secure() const override { return inner().is_secure(); }

    net::Loop& loop() override { return inner().loop(); }

    net::Canceller& canceller() override { return inner().canceller(); }

    net::Task<Result<void>> read_body(net::Body& out, std::uint64_t limit) override {
        return inner().read_body(out, limit);
    }

    net::Task<Result<std::string_view>> read_body_some() override {
        return inner().read_body_some();
    }

    net::Task<Result<void>> respond(http::Reply reply) override {
        add_own_fields(*call_, reply.fields);
        call_->status = reply.status;
        return inner().respond(std::move(reply));
    }

    net::Task<Result<void>> start(
        unsigned status,
        std::string_view reason,
        http::Fields const& fields,
        http::Framing framing,
        bool flush_head
    ) override {
        fields_ = fields;  // a member: the call below may read it after this function has returned
        add_own_fields(*call_, fields_);
        call_->status = status;
        return inner().start(status, reason, fields_, framing, flush_head);
    }

    net::Task<Result<void>> write(std::string_view bytes) override { return inner().write(bytes); }

    net::Task<Result<void>> finish() override { return inner().finish(); }

    net::Task<Result<void>> write_interim(unsigned status, http::Fields const& fields) override {
        return inner().write_interim(status, fields);
    }

    net::Task<Result<void>> write_raw(std::string_view bytes) override {
        return inner().write_raw(bytes);
    }

    void abort() override { inner().abort(); }

    void close_after() override { inner().close_after(); }

    bool has_started() const override { return inner().has_started(); }

    std::uint64_t bytes_written() const override { return inner().bytes_written(); }

  private:
    net::Exchange& inner() const { return call_->exchange; }

    Call* call_;
    std::optional<http::RequestHead> head_;  // where the key changes it
    http::Fields fields_;
};

}  // namespace plimsoll::proxy
