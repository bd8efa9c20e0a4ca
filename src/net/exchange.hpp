#pragma once
// One request and its answer on a connection: the body as it is read, the answer as it is framed.

#include "net/body_reader.hpp"
#include "net/connection.hpp"

#include <plimsoll/net/server.hpp>

#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>

namespace plimsoll::net {

class ServerExchange final : public Exchange {
  public:
    explicit ServerExchange(Connection& connection) : connection_(connection) {}

    ServerExchange(ServerExchange const&) = delete;
    ServerExchange& operator=(ServerExchange const&) = delete;

    [[nodiscard]] http::RequestHead const& head() const override { return head_; }

    [[nodiscard]] std::string const& peer() const override { return connection_.peer(); }

    [[nodiscard]] bool is_secure() const override { return connection_.stream().is_tls(); }

    [[nodiscard]] Loop& loop() override { return connection_.loop(); }

    [[nodiscard]] Canceller& canceller() override { return canceller_; }

    Task<Result<void>> read_body(Body& out, std::uint64_t limit) override;
    Task<Result<std::string_view>> read_body_some() override;

    Task<Result<void>> respond(http::Reply reply) override;
    Task<Result<void>> start(
        unsigned status,
        std::string_view reason,
        http::Fields const& fields,
        http::Framing framing,
        bool flush_head
    ) override;
    Task<Result<void>> write(std::string_view bytes) override;
    Task<Result<void>> finish() override;
    Task<Result<void>> write_interim(unsigned status, http::Fields const& fields) override;
    Task<Result<void>> write_raw(std::string_view bytes) override;

    void abort() override;

    void close_after() override { close_after_ = true; }

    [[nodiscard]] bool has_started() const override { return head_sent_; }

    [[nodiscard]] std::uint64_t bytes_written() const override { return body_bytes_; }

  private:
    friend class Connection;

    enum class Answer : std::uint8_t { None, Open, Ended };

    // The connection's side.
    void begin();
    void begin_refusal();
    void leave();

    void fail_handler() { handler_failed_ = true; }

    // After the handler: answers for it if it did not, or cuts what it left unfinished.
    Task<void> complete();
    [[nodiscard]] bool keeps_connection() const;

    [[nodiscard]] bool has_unread_body() const { return !body_ended_; }

    // The request's body (exchange_body.cpp).
    Task<Result<void>> read_length(Body& out);
    Task<Result<void>> read_chunked(Body& out, std::uint64_t limit);
    Task<Result<void>> admit_body();
    Task<Result<void>> fill_input();
    Task<Result<void>> await_body_bytes();
    Error body_lost(IoStep const& step);
    void on_body_end();
    void watch_client();
    void on_client_event();

    // The answer (exchange.cpp).
    [[nodiscard]] bool sends_body() const;
    void make_head(unsigned status, std::string_view reason, http::Fields const& fields);
    Task<Result<void>> send(std::span<iovec> pieces);
    Result<void> check_open() const;
    Result<void> check_unanswered() const;

    Connection& connection_;
    http::RequestHead head_;
    Canceller canceller_;
    BodyReader body_;
    std::string head_text_;  // made, but not sent yet
    http::Framing framing_;
    std::uint64_t body_bytes_ = 0;
    unsigned status_ = 0;
    Answer answer_ = Answer::None;
    bool head_sent_ = false;
    bool continue_owed_ = false;
    bool body_ended_ = false;
    bool close_after_ = false;
    bool keep_alive_ = false;  // what the head promised
    bool handler_failed_ = false;
    bool body_stalled_ = false;
};

}  // namespace plimsoll::net
