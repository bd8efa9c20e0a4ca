#pragma once
// One request on its way through the proxy: what is known of it, for the answer's fields and the
// log line. Lives in the coroutine that handles the request. Loop thread only.

#include "proxy/refusal.hpp"

#include <plimsoll/access/guard.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/http/reply.hpp>
#include <plimsoll/http/route.hpp>
#include <plimsoll/net/server.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::proxy {

struct Call {
    Call(net::Exchange& with, std::string request_id)
        : exchange(with), id(std::move(request_id)), started(with.loop().now()) {}

    // Who asks, for fairness and for people: the key's name, else the address.
    [[nodiscard]] std::string const& client() const {
        return pass.key() != nullptr ? pass.key()->name : exchange.peer();
    }

    net::Exchange& exchange;
    std::string id;
    TimePoint started;
    http::Route route;
    access::Pass pass;
    std::string_view priority_field;  // not empty: instead of what the client says in Priority
    engine::Engine* only = nullptr;   // set for a request of our own: the one that serves it
    // A form's model could be overruled by one in the query, where the upstream looks first.
    bool sends_query = true;
    std::string origin;          // not empty: the answer says that this origin may read it
    std::string model;           // as asked, for the log
    std::string adjusted;        // value of X-Plimsoll-Adjusted
    unsigned status = 0;         // of the answer; 0: none was sent
    std::uint64_t received = 0;  // bytes of the client's body that were read here
    // Of a request under a lease: who answers it, for which model, and when that began.
    engine::Engine* engine = nullptr;
    std::shared_ptr<upstream::ModelInfo const> info;
    TimePoint first_byte{};
    Duration waited{};         // in the queue, for a lease
    std::size_t position = 0;  // in the queue when it came
    // The head of its stream was sent while it waited: whatever is answered now is written into
    // that stream.
    bool is_begun = false;
};

// Value of X-Plimsoll-Queue.
std::string queue_value(std::size_t position, Duration waited);
// The fields that we add to every answer: request id, CORS, what was adjusted, how long it waited.
void add_own_fields(Call const& call, http::Fields& fields);

// In a stream that was begun only an error can be answered; it ends the stream.
net::Task<void> answer(Call& call, http::Reply reply);
net::Task<void> answer_error(
    Call& call,
    unsigned status,
    std::string_view message,
    std::optional<Duration> retry_after = std::nullopt
);
net::Task<void> answer_error(Call& call, ClientError const& error);
// A failure of ours or of reading the request. Nothing is written when the client is gone.
net::Task<void> answer_failure(Call& call, Error const& error);
// A failure on the way to the upstream, before its head came.
net::Task<void> answer_upstream_failure(Call& call, Error const& error, std::string_view upstream);

[[nodiscard]] bool is_client_gone(Error const& error);

}  // namespace plimsoll::proxy
