// A tool server behind a URL: streamable HTTP. Each request is a POST, answered by one JSON message
// or by a stream of events among which the response comes.

#include "chain/tools/mcp_transport.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/client.hpp>
#include <plimsoll/upstream/client_config.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <utility>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

constexpr std::string_view kSession = "Mcp-Session-Id";
constexpr std::size_t kMostErrorText = 4096;
constexpr Duration kNotifyTimeout = std::chrono::seconds(5);

struct Place {
    upstream::Url server;
    std::string target;
};

Result<Place> place_of(std::string const& url) {
    auto const scheme = url.find("://");
    auto const slash = scheme == std::string::npos ? scheme : url.find('/', scheme + 3);
    auto server = upstream::parse_url(url.substr(0, slash));
    if (!server) {
        return fail(std::move(server).error());
    }
    return Place{std::move(*server), slash == std::string::npos ? "/" : url.substr(slash)};
}

// The data of server-sent events, one after another.
class Events {
  public:
    // Gives the data of each event that is whole now to `on_data`.
    template <class OnData>
    void take(std::string_view bytes, OnData const& on_data) {
        rest_ += bytes;
        for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
            auto line = rest_.substr(0, end);
            rest_.erase(0, end + 1);
            if (line.ends_with('\r')) {
                line.pop_back();
            }
            if (line.empty()) {
                auto const data = std::exchange(data_, {});
                if (!data.empty()) {
                    on_data(data);
                }
            } else if (line.starts_with("data:")) {
                data_ += (data_.empty() ? "" : "\n") + std::string(trim(line.substr(5)));
            }
        }
    }

    [[nodiscard]] std::size_t size() const { return rest_.size() + data_.size(); }

  private:
    std::string rest_, data_;
};

class Http final : public McpTransport, public std::enable_shared_from_this<Http> {
  public:
    Http(
        net::Loop& loop, McpServerConfig const& config, std::string target, net::ClientConfig client
    )
        : loop_(loop),
          config_(config),
          target_(std::move(target)),
          client_(loop, std::move(client)) {}

    net::Task<Result<json::object>> exchange(
        json::object request, std::uint64_t id, Duration timeout, net::Canceller& canceller
    ) override {
        auto const keep = shared_from_this();
        auto message = co_await ask(std::move(request), id, timeout, canceller);
        if (message) {
            co_return message;
        }
        auto const code = message.error().code;
        if (code == Errc::Timeout || code == Errc::Cancelled) {
            // Not awaited: it may be as silent to this.
            tell_later(cancelled_notification(id, "the request was given up"));
        }
        if (code == Errc::ConnectionClosed || code == Errc::UpstreamUnavailable) {
            // One that has ended knows nothing of the session.
            is_alive_ = false;
            why_dead_ = message.error().message;
        }
        co_return message;
    }

    net::Task<void> notify(json::object notification) override {
        auto const keep = shared_from_this();
        net::Canceller nobody;
        auto const response = co_await post(notification, kNotifyTimeout, nobody);
        static_cast<void>(response);  // nothing depends on it
    }

    void set_revision(std::string revision) override { revision_ = std::move(revision); }

    [[nodiscard]] bool is_alive() const override { return is_alive_; }

    [[nodiscard]] std::string why_dead() const override { return why_dead_; }

    net::Task<void> close() override {
        auto const keep = shared_from_this();
        if (std::exchange(is_alive_, false) && !session_.empty()) {
            net::ClientRequest request;
            request.method = http::Method::Delete;
            request.target = target_;
            request.fields = fields();
            request.head_timeout = std::chrono::seconds(2);
            auto const response = co_await client_.send(request, nullptr);
            static_cast<void>(response);  // a server need not allow it
        }
        why_dead_ = "it was closed";
        client_.drop_idle();
    }

  private:
    [[nodiscard]] http::Fields fields() const {
        http::Fields out;
        out.add("Accept", "application/json, text/event-stream");
        out.add("Content-Type", "application/json");
        if (!session_.empty()) {
            out.add(kSession, session_);
        }
        if (!revision_.empty()) {
            out.add("MCP-Protocol-Version", revision_);
        }
        for (auto const& [name, value] : config_.headers) {
            out.set(name, value);
        }
        return out;
    }

    net::Task<Result<net::ClientResponse>> post(
        json::object const& message, Duration timeout, net::Canceller& canceller
    ) {
        auto const body = json::serialize(message);
        std::array<std::string_view, 1> const pieces{body};
        net::ClientRequest request;
        request.method = http::Method::Post;
        request.target = target_;
        request.fields = fields();
        request.pieces = pieces;
        request.has_body = true;
        request.replayable = false;  // a tool may do something each time
        request.head_timeout = timeout;
        auto response = co_await client_.send(request, &canceller);
        co_return response;
    }

    // How long one request may take: progress moves `until`, never past `latest`.
    struct Limit {
        Duration timeout;
        TimePoint until, latest;

        [[nodiscard]] Duration left(TimePoint now) const {
            return std::max<Duration>(until - now, std::chrono::milliseconds(1));
        }

        void extend(TimePoint now) { until = std::min(now + timeout, latest); }
    };

    net::Task<Result<json::object>> ask(
        json::object request, std::uint64_t id, Duration timeout, net::Canceller& canceller
    ) {
        auto const now = loop_.now();
        Limit limit{timeout, now + timeout, now + kMostProgress * timeout};
        auto response = co_await post(request, timeout, canceller);
        if (!response) {
            co_return failed(response.error(), limit);
        }
        auto const& head = response->head();
        if (head.status == 404 && !session_.empty()) {
            co_return fail(
                Errc::UpstreamUnavailable,
                "tool server " + config_.id + " has forgotten the session",
                ErrorSource::Upstream
            );
        }
        if (head.status != 200) {
            auto const left = limit.left(loop_.now());
            auto const text = co_await response->read_all(kMostErrorText, left, &canceller);
            co_return fail(
                Errc::UpstreamFailed,
                fmt::format(
                    "tool server {} answered {}: {}",
                    config_.id,
                    head.status,
                    text ? printable(*text, 500) : ""
                ),
                ErrorSource::Upstream
            );
        }
        if (auto const session = head.fields.get(kSession)) {
            session_ = *session;
        }
        auto const type = head.fields.get("Content-Type").value_or("");
        co_return istarts_with(type, "text/event-stream")
            ? co_await read_events(*response, id, limit, canceller)
            : co_await read_json(*response, limit, canceller);
    }

    net::Task<Result<json::object>> read_json(
        net::ClientResponse& response, Limit limit, net::Canceller& canceller
    ) {
        auto const left = limit.left(loop_.now());
        auto const text = co_await response.read_all(most_message(config_), left, &canceller);
        if (!text) {
            co_return text.error().code == Errc::TooLarge ? too_large()
                                                          : failed(text.error(), limit);
        }
        boost::system::error_code broken;
        auto message = json::parse(*text, broken);
        if (broken || !message.is_object()) {
            co_return fail(
                Errc::UpstreamProtocol,
                "tool server " + config_.id +
                    " answered with what is no message: " + printable(*text, 200),
                ErrorSource::Upstream
            );
        }
        co_return std::move(message.get_object());
    }

    net::Task<Result<json::object>> read_events(
        net::ClientResponse& response, std::uint64_t id, Limit limit, net::Canceller& canceller
    ) {
        Events events;
        std::optional<json::object> found;
        while (!found) {
            auto const piece = co_await response.read_some(limit.left(loop_.now()), &canceller);
            if (!piece) {
                co_return failed(piece.error(), limit);
            }
            if (piece->empty()) {
                co_return fail(
                    Errc::ConnectionClosed,
                    "tool server " + config_.id + " ended its answer before the response",
                    ErrorSource::Upstream
                );
            }
            events.take(*piece, [&](std::string const& data) {
                boost::system::error_code broken;
                auto message = json::parse(data, broken);
                if (!broken && message.is_object()) {
                    take(std::move(message.get_object()), id, limit, found);
                }
            });
            if (events.size() > most_message(config_)) {
                co_return too_large();
            }
            // Comments that only keep the connection open are no progress.
            if (!found && loop_.now() >= limit.until) {
                co_return failed(Error(Errc::Timeout, ""), limit);
            }
        }
        co_return std::move(*found);
    }

    void take(
        json::object message, std::uint64_t id, Limit& limit, std::optional<json::object>& found
    ) {
        if (!message.contains("method")) {
            if (id_of(message, "id") == id) {
                found = std::move(message);
            }
        } else if (message.contains("id")) {
            tell_later(answer_to_server(message));
        } else if (progress_of(message) == id) {
            limit.extend(loop_.now());
        } else {
            notified(message);
        }
    }

    void tell_later(json::object message) {
        loop_.spawn("tell tool server " + config_.id, notify(std::move(message)));
    }

    [[nodiscard]] std::unexpected<Error> failed(Error error, Limit const& limit) const {
        if (error.code == Errc::Timeout) {
            bool const is_last = limit.until >= limit.latest;
            return too_late(config_.id, is_last ? kMostProgress * limit.timeout : limit.timeout);
        }
        return fail(std::move(error).context("tool server " + config_.id));
    }

    [[nodiscard]] std::unexpected<Error> too_large() const {
        return fail(
            Errc::TooLarge,
            fmt::format(
                "tool server {} answered with more than {} bytes; ask it for less, or raise "
                "max_result of [[mcp_server]]",
                config_.id,
                config_.max_result
            ),
            ErrorSource::Upstream
        );
    }

    net::Loop& loop_;
    McpServerConfig config_;
    std::string target_;
    net::Client client_;
    std::string session_, revision_;
    bool is_alive_ = true;
    std::string why_dead_;
};

}  // namespace

Result<std::shared_ptr<McpTransport>> open_http(net::Loop& loop, McpServerConfig const& config) {
    auto place = place_of(config.url);
    if (!place) {
        return fail(std::move(place).error().context("tool server " + config.id));
    }
    auto client = upstream::make_client_config(place->server, config.tls, config.id);
    if (!client) {
        return fail(std::move(client).error().context("tool server " + config.id));
    }
    return std::make_shared<Http>(loop, config, std::move(place->target), std::move(*client));
}

}  // namespace plimsoll::chain
