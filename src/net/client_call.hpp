#pragma once
// One request on one upstream connection, and the answer to it. Becomes the inside of a
// ClientResponse.

#include "net/body_reader.hpp"
#include "net/buffer.hpp"
#include "net/connect.hpp"
#include "net/pool.hpp"
#include "net/stream.hpp"

#include <plimsoll/net/client.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace plimsoll::net {

struct ClientCore {
    ClientCore(Loop& event_loop, ClientConfig client_config);

    Loop& loop;
    ClientConfig const config;
    Connector connector;
    std::string const authority;   // host:port of the upstream, or its Unix socket
    std::string const host_field;  // what the upstream is called in requests
    Pool pool;
    std::list<std::function<void()>>::iterator quiet_hook;
    ~ClientCore();
    ClientCore(ClientCore const&) = delete;
    ClientCore& operator=(ClientCore const&) = delete;
};

struct ClientResponse::Impl {
    Impl(std::shared_ptr<ClientCore> client_core, std::shared_ptr<Stream> connection);
    ~Impl();
    Impl(Impl const&) = delete;
    Impl& operator=(Impl const&) = delete;

    // Sends the request (client_upload.cpp) and reads up to the head of the final answer.
    Task<Result<void>> run(ClientRequest const& request, Canceller* canceller);

    // The connection was dead before it could have answered: not one byte came.
    [[nodiscard]] bool is_unanswered() const { return !answered_; }

    // Pieces of a source cannot be sent again.
    [[nodiscard]] bool has_used_source() const { return used_source_; }

    Task<Result<std::string_view>> read_some(Duration timeout, Canceller* canceller);
    void close();

    http::ResponseHead head;
    bool complete = false;

  private:
    Task<Result<void>> send_all(ClientRequest const& request);
    Task<Result<void>> send_source(ClientRequest const& request);
    // Ends early when the answer's head has come or the connection broke: read_head() then knows
    // more.
    Task<Result<void>> send_pieces(
        ClientRequest const& request, std::span<std::string_view const> pieces
    );
    Task<Result<void>> await_send(ClientRequest const& request);

    [[nodiscard]] bool stops_upload() const { return has_head_ || broken_; }

    Task<Result<void>> read_head(ClientRequest const& request);
    // What lies in the buffer, as far as heads go; interim answers are passed on.
    Task<Result<void>> parse_heads(ClientRequest const& request);
    Result<void> fill(IoStep const& step);
    void break_off();
    void on_body_end();
    Error failure(Errc code, std::string_view what);
    Error after_wait(Ready ready, Duration limit, std::string_view what);

    std::shared_ptr<ClientCore> core_;
    std::shared_ptr<Stream> stream_;
    Buffer input_;
    BodyReader body_;
    Canceller* canceller_ = nullptr;  // of the call that runs
    unsigned interims_ = 0;
    bool has_head_ = false;
    bool sent_ = false;      // the whole request
    bool broken_ = false;    // sending failed; an answer may still lie in the socket
    bool answered_ = false;  // a byte came back
    bool used_source_ = false;
    bool large_ = false;  // reads fill their buffer: take a larger one
};

}  // namespace plimsoll::net
