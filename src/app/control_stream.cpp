// The part of the client that reads any answer whole, or follows a stream of JSON lines.

#include "app/control_client.hpp"
#include "app/line_reader.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/net/loop.hpp>
#include <plimsoll/net/wait.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>

namespace plimsoll::app {
namespace {

namespace json = boost::json;
using Reply = ControlClient::Reply;

constexpr std::size_t kAnswerLimit = 256UL << 20;  // bytes; a run with the output of every step
constexpr Duration kTick = std::chrono::milliseconds(100);
// A step may wait for its turn, or a model think, without a word; so long a run may take at most.
constexpr Duration kLongest = std::chrono::hours(24 * 7);
constexpr Duration kQuick = std::chrono::seconds(30);

Result<json::value> parse_line(std::string_view line) {
    boost::system::error_code broken;
    auto value = json::parse(line, broken);
    if (broken) {
        return fail(
            Errc::UpstreamProtocol, "the answer is no JSON; is it Plimsoll that answers there?"
        );
    }
    return value;
}

// Sends `request` and reads its answer, or hands the lines of a stream to a follower.
class Conversation {
  public:
    Conversation(
        net::Loop& loop, net::ClientConfig const& config, ControlClient::Follower* follower
    )
        : loop_(loop), client_(loop, config), follower_(follower), ticks_(loop, false) {}

    net::Task<void> perform(net::ClientRequest const& request, Result<Reply>& out) {
        out = co_await exchange(request);
        ticks_.cancel();
        over_.cancel();
        client_.drop_idle();  // else the loop would keep watching the connection
    }

  private:
    net::Task<Result<Reply>> exchange(net::ClientRequest const& request) {
        auto response = co_await client_.send(request, nullptr);
        if (!response) {
            co_return fail(std::move(response).error());
        }
        Reply reply{.status = response->head().status, .body = nullptr};
        auto const type = response->head().fields.get("Content-Type").value_or("");
        if (follower_ != nullptr && istarts_with(type, "application/x-ndjson")) {
            tick();
            auto const read = co_await read_lines(*response);
            if (!read) {
                co_return fail(read.error());
            }
            co_return reply;
        }
        auto const body = co_await response->read_all(kAnswerLimit, kLongest, nullptr);
        if (!body) {
            co_return fail(Error(body.error()));
        }
        auto parsed = parse_line(*body);
        if (!parsed && reply.status < 400) {
            co_return fail(std::move(parsed).error());
        }
        reply.body = std::move(parsed).value_or(nullptr);
        co_return reply;
    }

    net::Task<Result<void>> read_lines(net::ClientResponse& response) {
        LineReader reader;
        for (;;) {
            auto const piece = co_await response.read_some(kLongest, nullptr);
            if (!piece) {
                co_return fail(Error(piece.error()));
            }
            reader.add(piece->empty() ? std::string_view("\n") : *piece);
            while (auto const line = reader.next()) {
                if (trim(*line).empty()) {
                    continue;
                }
                auto const event = parse_line(*line);
                if (!event) {
                    co_return fail(event.error());
                }
                follower_->on_event(*event, loop_.now());
            }
            if (piece->empty()) {
                co_return Result<void>();
            }
        }
    }

    void tick() {
        follower_->on_tick(loop_.now());
        if (auto question = is_asking_ ? std::nullopt : follower_->question()) {
            is_asking_ = true;
            loop_.spawn("question", ask(std::move(*question)));
        }
        ticks_.arm(loop_.now() + kTick, [this] { tick(); });
    }

    net::Task<void> ask(ControlClient::Question question) {
        auto const body = json::serialize(question.body);
        std::array<std::string_view, 1> const pieces = {body};
        net::ClientRequest request;
        request.method = http::Method::Post;
        request.target = std::move(question.path);
        request.fields.add("Content-Type", "application/json");
        request.head_timeout = kQuick;
        request.has_body = true;
        request.pieces = pieces;
        auto response = co_await client_.send(request, &over_);
        if (response && response->head().status == 200) {
            auto const text = co_await response->read_all(kAnswerLimit, kQuick, &over_);
            auto const answer = text ? parse_line(*text) : Result<json::value>(fail(text.error()));
            if (answer && !over_.is_cancelled()) {
                follower_->on_answer(*answer, loop_.now());
            }
        }
        is_asking_ = false;
        if (over_.is_cancelled()) {
            client_.drop_idle();
        }
    }

    net::Loop& loop_;
    net::Client client_;
    ControlClient::Follower* follower_;
    net::Timer ticks_;
    net::Canceller over_;  // of questions, when the stream has ended
    bool is_asking_ = false;
};

}  // namespace

Result<Reply> ControlClient::call(
    http::Method method, std::string_view path, std::string const& body
) {
    return converse(method, path, body, nullptr);
}

Result<Reply> ControlClient::follow(
    http::Method method, std::string_view path, std::string const& body, Follower& follower
) {
    return converse(method, path, body, &follower);
}

Result<Reply> ControlClient::converse(
    http::Method method, std::string_view path, std::string const& body, Follower* follower
) {
    std::array<std::string_view, 1> const pieces = {body};
    net::ClientRequest request;
    request.method = method;
    request.target = path;
    request.fields.add("Accept", follower != nullptr ? "application/x-ndjson" : "application/json");
    bool const is_get = method == http::Method::Get;
    request.head_timeout = is_get ? kQuick : kLongest;
    request.replayable = is_get;
    request.has_body = !body.empty() || method == http::Method::Post;
    if (!body.empty()) {
        request.fields.add("Content-Type", "application/json");
        request.pieces = pieces;
    }
    net::Loop loop;
    Conversation conversation(loop, config_, follower);
    Result<Reply> out = fail(Errc::Cancelled, "the request did not end");
    loop.spawn("request", conversation.perform(request, out));
    loop.run();
    return out ? std::move(out) : Result<Reply>(fail(explained(std::move(out).error())));
}

}  // namespace plimsoll::app
