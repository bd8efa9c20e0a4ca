#pragma once
// One request to the control API of a running Plimsoll, from the point of view of a command: call,
// wait, have JSON. Owns its loop while it waits; not to be used on another one.

#include <plimsoll/base/result.hpp>
#include <plimsoll/net/client.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace plimsoll::app {

class ControlClient {
  public:
    // Called with the data of each event that tells how far a load is.
    using OnProgress = std::function<void(boost::json::value const&)>;

    // Error Invalid: no "http://host:port".
    static Result<ControlClient> make(std::string url);

    // Errors carry one sentence for people: no daemon there (with how to start it), or what the
    // daemon said.
    Result<boost::json::value> get(std::string_view path);
    Result<boost::json::value> post(std::string_view path, boost::json::object const& body);
    // The same for a request that tells of its progress until its end.
    Result<boost::json::value> post_watched(
        std::string_view path, boost::json::object const& body, OnProgress const& on_progress
    );

  private:
    ControlClient(std::string url, net::ClientConfig config)
        : url_(std::move(url)), config_(std::move(config)) {}

    Result<boost::json::value> run(
        net::ClientRequest& request, std::string const& body, OnProgress const& on_progress
    );

    std::string url_;
    net::ClientConfig config_;
};

}  // namespace plimsoll::app
