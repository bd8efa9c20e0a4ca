#pragma once
// One request to the control API of a running Plimsoll, from the point of view of a command: call,
// wait, have JSON. Owns its loop while it waits; not to be used on another one.

#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>
#include <plimsoll/net/client.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::app {

class ControlClient {
  public:
    // Called with the data of each event that tells how far a load is.
    using OnProgress = std::function<void(boost::json::value const&)>;

    // `url`: "http://host:port", "https://host:port" or "unix:/path". `key_file`: a file with the
    // key to send; empty: $PLIMSOLL_KEY, or none. `ca_file`: PEM, trusted instead of the system's
    // CAs; empty: $PLIMSOLL_CA_FILE, or those. Errors: Invalid (none of these URLs, or a file that
    // cannot be used), Io.
    static Result<ControlClient> make(
        std::string url, std::string const& key_file = {}, std::string ca_file = {}
    );

    // Of connections to it, for those who hold several.
    [[nodiscard]] net::ClientConfig const& config() const { return config_; }

    // Errors carry one sentence for people: no daemon there (with how to start it), or what the
    // daemon said.
    Result<boost::json::value> get(std::string_view path);
    Result<boost::json::value> post(std::string_view path, boost::json::object const& body);
    // The same for a request that tells of its progress until its end.
    Result<boost::json::value> post_watched(
        std::string_view path, boost::json::object const& body, OnProgress const& on_progress
    );

    // An answer whatever its status, for those who read more than the sentence of an error.
    struct Reply {
        unsigned status = 0;
        boost::json::value body;
    };

    // `body` is sent as it is, as JSON; empty: none. An error is only that no answer came.
    Result<Reply> call(http::Method method, std::string_view path, std::string const& body);

    // The sentence of an error answer, for a terminal.
    static std::string sentence_of(Reply const& reply);

    // Something that is asked of the daemon while a stream goes on.
    struct Question {
        std::string path;
        boost::json::object body;
    };

    // Those who follow a stream of JSON lines. Times are of the client's loop.
    class Follower {
      public:
        virtual ~Follower() = default;
        virtual void on_event(boost::json::value const& event, TimePoint now) = 0;
        // Several times a second, to redraw what moves.
        virtual void on_tick(TimePoint now) = 0;
        // Asked with each tick while no question is open. Only a good answer comes back.
        virtual std::optional<Question> question() = 0;
        virtual void on_answer(boost::json::value const& answer, TimePoint now) = 0;
    };

    // A request that is answered with JSON lines, told one by one. What is no stream is returned as
    // it came; at the end of a stream the body is null.
    Result<Reply> follow(
        http::Method method, std::string_view path, std::string const& body, Follower& follower
    );

  private:
    ControlClient(std::string url, net::ClientConfig config)
        : url_(std::move(url)), config_(std::move(config)) {}

    Result<boost::json::value> run(
        net::ClientRequest& request, std::string const& body, OnProgress const& on_progress
    );

    Result<Reply> converse(
        http::Method method, std::string_view path, std::string const& body, Follower* follower
    );
    [[nodiscard]] Error explained(Error error) const;

    std::string url_;
    net::ClientConfig config_;
};

}  // namespace plimsoll::app
