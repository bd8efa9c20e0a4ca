#pragma once
// From host and port to an open connection: names, addresses, one attempt each within a common
// deadline.

#include "net/stream.hpp"

#include <plimsoll/base/result.hpp>
#include <plimsoll/net/client.hpp>
#include <plimsoll/net/wait.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <memory>
#include <string>
#include <vector>

namespace plimsoll::net {

class Connector {
  public:
    Connector(Loop& loop, ClientConfig const& config) : loop_(loop), config_(config) {}

    // Errors: UpstreamUnavailable, Cancelled. The Connector outlives the call.
    Task<Result<std::shared_ptr<Stream>>> connect(Canceller* canceller);

    // For people: "127.0.0.1:11434", "unix:/path".
    [[nodiscard]] std::string authority() const;
    // For the Host field.
    [[nodiscard]] std::string host_field() const;

  private:
    using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

    Task<Result<Endpoints>> resolve(TimePoint deadline, Canceller* canceller);
    Task<Result<std::shared_ptr<Stream>>> connect_unix(TimePoint deadline, Canceller* canceller);
    Task<Result<std::shared_ptr<Stream>>> try_one(
        boost::asio::ip::tcp::endpoint endpoint, TimePoint deadline, Canceller* canceller
    );
    // Waits until the connection that was begun stands. `code`: of connect().
    Task<Result<void>> finish(
        std::shared_ptr<Stream> stream, int code, TimePoint deadline, Canceller* canceller
    );
    Task<Result<void>> agree_on_tls(
        std::shared_ptr<Stream> stream, TimePoint deadline, Canceller* canceller
    );
    Error unavailable(std::string_view why) const;

    Loop& loop_;
    ClientConfig const& config_;
    Endpoints cached_;
    TimePoint cached_until_{};
};

}  // namespace plimsoll::net
