#pragma once
// How messages of the Model Context Protocol travel (JSON-RPC 2.0). Loop thread only.

#include "chain/spec/json_text.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/chain/config.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace plimsoll::chain {

class McpTransport {
  public:
    virtual ~McpTransport() = default;

    // Sends a request, whose "id" is `id`, and gives the response to it. With each sign of progress
    // the time begins anew, until it was `kMostProgress` times `timeout` in all. Errors: Timeout,
    // Cancelled (the server is told), TooLarge, ConnectionClosed (the server is gone),
    // UpstreamProtocol, UpstreamUnavailable (it was gone before: nothing was done).
    virtual net::Task<Result<boost::json::object>> exchange(
        boost::json::object request, std::uint64_t id, Duration timeout, net::Canceller& canceller
    ) = 0;
    virtual net::Task<void> notify(boost::json::object notification) = 0;

    // Gets the method of each notification but progress. What comes outside of an answer is heard
    // over standard output only.
    void listen(std::function<void(std::string_view method)> listener) {
        listener_ = std::move(listener);
    }

    // The revision that both sides agreed on.
    virtual void set_revision(std::string revision) = 0;
    [[nodiscard]] virtual bool is_alive() const = 0;
    // Why it is not; for people.
    [[nodiscard]] virtual std::string why_dead() const = 0;
    virtual net::Task<void> close() = 0;

  protected:
    void notified(boost::json::object const& message) const {
        if (listener_) {
            listener_(text_member(message, "method"));
        }
    }

  private:
    std::function<void(std::string_view)> listener_;
};

inline constexpr int kMostProgress = 10;

// Bytes of the message that brings a result: servers send a text a second time as structured
// content, and there is something around it.
inline std::size_t most_message(McpServerConfig const& config) {
    return 2 * static_cast<std::size_t>(config.max_result) + (64U << 10U);
}

// Starts the program. Error Io.
Result<std::shared_ptr<McpTransport>> start_stdio(net::Loop& loop, McpServerConfig const& config);
// Error Invalid: the URL.
Result<std::shared_ptr<McpTransport>> open_http(net::Loop& loop, McpServerConfig const& config);

// {"jsonrpc": "2.0", "method": "notifications/cancelled", ...}
boost::json::object cancelled_notification(std::uint64_t id, std::string_view reason);
// The answer to what a server asks of us: a ping is answered, nothing else is offered.
boost::json::object answer_to_server(boost::json::object const& request);
// Which request a message of the server tells progress of; 0: none.
std::uint64_t progress_of(boost::json::object const& message);
std::unexpected<Error> too_late(std::string const& server, Duration timeout);
// The number of an object's member; 0: none.
std::uint64_t id_of(boost::json::object const& message, std::string_view key);

}  // namespace plimsoll::chain
