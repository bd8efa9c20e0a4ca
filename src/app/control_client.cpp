#include "app/control_client.hpp"

#include "app/event_reader.hpp"
#include "app/json_view.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/server.hpp>
#include <plimsoll/upstream/client_config.hpp>
#include <plimsoll/upstream/provider.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace plimsoll::app {
namespace {

using Answer = Result<boost::json::value>;

constexpr std::size_t kAnswerLimit = 64UL << 20;  // bytes
constexpr Duration kLongest =
    std::chrono::hours(2);  // a load waits for its turn and for a slow disk
constexpr Duration kQuick = std::chrono::seconds(30);

Answer read_answer(std::string_view body, unsigned status) {
    boost::system::error_code error;
    auto answer = boost::json::parse(body, error);
    if (status >= 400) {
        return fail(
            Errc::UpstreamFailed,
            ControlClient::sentence_of({status, error ? boost::json::value() : answer})
        );
    }
    if (error) {
        return fail(
            Errc::UpstreamProtocol, "the answer is no JSON; is it Plimsoll that answers there?"
        );
    }
    return answer;
}

// Never taken from the command line, which other users see.
Result<std::string> read_key(std::string const& file) {
    std::string key;
    if (file.empty()) {
        char const* const given = std::getenv("PLIMSOLL_KEY");
        key = given == nullptr ? "" : given;
    } else {
        std::ifstream in(file);
        if (!in || !std::getline(in, key)) {
            return fail(Errc::Io, "--key-file: " + printable(file, 200) + " cannot be read");
        }
    }
    key = trim(key);
    bool const is_right = std::ranges::all_of(key, [](char c) { return c > ' ' && c < 0x7F; });
    if (!is_right || (key.empty() && !file.empty())) {
        return fail(
            Errc::Invalid,
            file.empty() ? "$PLIMSOLL_KEY is no key: it has blanks or other odd characters"
                         : "--key-file: " + printable(file, 200) + " holds no key"
        );
    }
    return key;
}

// Until the event that ends the request: "loaded", or "error" with its sentence.
net::Task<Answer> read_events(
    net::ClientResponse& response, ControlClient::OnProgress const& on_progress
) {
    EventReader reader;
    for (;;) {
        auto const piece = co_await response.read_some(kLongest, nullptr);
        if (!piece) {
            co_return fail(Error(piece.error()));
        }
        if (piece->empty()) {
            co_return fail(Errc::ConnectionClosed, "Plimsoll ended before the load did");
        }
        reader.add(*piece);
        while (auto const event = reader.next()) {
            auto answer = read_answer(event->data, event->name == "error" ? 500 : 200);
            if (!answer || event->name != "progress") {
                co_return answer;
            }
            on_progress(*answer);
        }
    }
}

net::Task<Answer> exchange(
    net::Client& client,
    net::ClientRequest const& request,
    ControlClient::OnProgress const& on_progress
) {
    auto response = co_await client.send(request, nullptr);
    if (!response) {
        co_return fail(std::move(response).error());
    }
    auto const& head = response->head();
    auto const type = head.fields.get("Content-Type").value_or("");
    if (istarts_with(type, "text/event-stream")) {
        co_return co_await read_events(*response, on_progress);
    }
    auto const status = head.status;
    auto const body = co_await response->read_all(kAnswerLimit, kLongest, nullptr);
    if (!body) {
        co_return fail(Error(body.error()));
    }
    co_return read_answer(*body, status);
}

net::Task<void> perform(
    net::Client& client,
    net::ClientRequest const& request,
    ControlClient::OnProgress const& on_progress,
    Answer& answer
) {
    answer = co_await exchange(client, request, on_progress);
    client.drop_idle();  // else the loop would keep watching the connection
}

}  // namespace

std::string ControlClient::sentence_of(Reply const& reply) {
    JsonView const error = JsonView(reply.body)["error"];
    auto text = error.text();
    if (text.empty()) {
        text = error["message"].text();
    }
    if (text.empty()) {
        return "the answer is status " + std::to_string(reply.status) +
               "; is it Plimsoll that answers there?";
    }
    auto const* const hint =
        reply.status == 401 ? "; this command takes it from --key-file FILE or $PLIMSOLL_KEY" : "";
    return printable(text, 2000) + hint;
}

Result<ControlClient> ControlClient::make(
    std::string url, std::string const& key_file, std::string ca_file
) {
    auto const key = read_key(key_file);
    if (!key) {
        return fail(Error(key.error()));
    }
    auto const authorization = key->empty() ? std::string() : "Bearer " + *key;
    net::ClientConfig config;
    if (auto const path = net::unix_path(url)) {
        config.unix_path = *path;
        config.authorization = authorization;
        return ControlClient(std::move(url), std::move(config));
    }
    auto const parts = upstream::parse_url(url);
    if (!parts) {
        return fail(Error(parts.error()).context("--url"));
    }
    char const* const from_environment = std::getenv("PLIMSOLL_CA_FILE");
    if (ca_file.empty() && from_environment != nullptr) {
        ca_file = from_environment;
    }
    auto made = upstream::make_client_config(*parts, {.ca_file = std::move(ca_file)}, "Plimsoll");
    if (!made) {
        return fail(std::move(made).error());
    }
    made->authorization = authorization;
    return ControlClient(std::move(url), std::move(*made));
}

Answer ControlClient::get(std::string_view path) {
    net::ClientRequest request;
    request.target = path;
    request.head_timeout = kQuick;
    return run(request, {}, {});
}

Answer ControlClient::post(std::string_view path, boost::json::object const& body) {
    return post_watched(path, body, {});
}

Answer ControlClient::post_watched(
    std::string_view path, boost::json::object const& body, OnProgress const& on_progress
) {
    net::ClientRequest request;
    request.method = http::Method::Post;
    request.target = path;
    request.fields.add("Content-Type", "application/json");
    request.fields.add("Accept", on_progress ? "text/event-stream" : "application/json");
    request.head_timeout = kLongest;
    request.replayable = false;
    request.has_body = true;
    return run(request, boost::json::serialize(body), on_progress);
}

Answer ControlClient::run(
    net::ClientRequest& request, std::string const& body, OnProgress const& on_progress
) {
    std::array<std::string_view, 1> const pieces = {body};
    if (request.has_body) {
        request.pieces = pieces;
    }
    net::Loop loop;
    net::Client client(loop, config_);
    Answer answer = fail(Errc::Cancelled, "the request did not end");
    loop.spawn("request", perform(client, request, on_progress, answer));
    loop.run();
    return answer ? std::move(answer) : Answer(fail(explained(std::move(answer).error())));
}

Error ControlClient::explained(Error error) const {
    bool const is_tls = error.cause == std::errc::protocol_error;  // a server is there
    if (error.code != Errc::UpstreamUnavailable || is_tls) {
        return error;
    }
    return {
        Errc::UpstreamUnavailable,
        "no Plimsoll answers at " + url_ +
            "; start it with `plimsoll serve`, or name its address with --url or PLIMSOLL_URL"
    };
}

}  // namespace plimsoll::app
