#include "app/top/feed.hpp"

#include "app/control_client.hpp"
#include "app/event_reader.hpp"
#include "app/json_view.hpp"
#include "app/run_views.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace plimsoll::app::top {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);
constexpr Duration kSilence = std::chrono::seconds(40);       // the daemon gives a sign every 15 s
constexpr Duration kLongest = std::chrono::hours(2);          // of a load that waits for its turn
constexpr Duration kPause = std::chrono::seconds(1);          // before the daemon is tried again
constexpr Duration kBreath = std::chrono::milliseconds(100);  // between two looks, at least
constexpr std::size_t kMostAnswer = 64UL << 20;               // bytes

Result<boost::json::value> parse_answer(std::string_view text, unsigned status) {
    boost::system::error_code error;
    auto value = boost::json::parse(text, error);
    if (status >= 400) {
        ControlClient::Reply const reply{status, error ? boost::json::value() : std::move(value)};
        return fail(Errc::UpstreamFailed, ControlClient::sentence_of(reply));
    }
    if (error) {
        return fail(Errc::UpstreamProtocol, "the answer is no JSON; is it Plimsoll that answers?");
    }
    return value;
}

}  // namespace

Feed::Feed(
    net::Loop& loop,
    net::ClientConfig config,
    Duration interval,
    Board& board,
    std::function<void()> on_change,
    std::function<void(Told)> on_told
)
    : loop_(loop),
      client_(loop, std::move(config)),
      interval_(interval),
      board_(board),
      on_change_(std::move(on_change)),
      on_told_(std::move(on_told)),
      news_(loop) {}

void Feed::start() {
    loop_.spawn("look", look_again_and_again());
    loop_.spawn("follow", follow_events());
}

void Feed::stop() {
    over_.cancel();
    news_.set();
    client_.drop_idle();
}

net::Task<Result<boost::json::value>> Feed::get(std::string path) {
    net::ClientRequest request;
    request.target = std::move(path);
    request.head_timeout = kPatience;
    auto response = co_await client_.send(request, &over_);
    if (!response) {
        co_return fail(std::move(response).error());
    }
    auto const text = co_await response->read_all(kMostAnswer, kPatience, &over_);
    if (!text) {
        co_return fail(text.error());
    }
    co_return parse_answer(*text, response->head().status);
}

// Says so where the daemon was away, and whether it is a new one: its counters began anew.
void Feed::found(boost::json::value const& status) {
    std::uint64_t past = 0;
    for (auto const& upstream : JsonView(status)["upstreams"].items()) {
        auto const counters = upstream["counters"];
        past +=
            counters["tickets"].count() + counters["loads"].count() + counters["unloads"].count();
    }
    bool const is_new = past < past_;
    past_ = past;
    if (board_.link() == Link::Lost) {
        boost::json::object const event = {
            {"text", is_new ? "Plimsoll was restarted, and answers again" : "Plimsoll answers again"
            }
        };
        board_.take_event("connected", event, loop_.now());
    }
    board_.set_link(Link::Live, "", loop_.now());
    auto const clock = wall_seconds(JsonView(status)["time"].text());
    wall_ahead_ =
        clock ? std::optional(*clock - to_seconds(loop_.now().time_since_epoch())) : std::nullopt;
    has_looked_ = true;
}

// When it was by the loop's clock; the daemon may be on another machine, with another clock.
std::optional<TimePoint> Feed::time_of(boost::json::value const& event) const {
    auto const wall = wall_seconds(JsonView(event)["time"].text());
    if (!wall || !wall_ahead_) {
        return std::nullopt;
    }
    return TimePoint(from_seconds(std::max(*wall - *wall_ahead_, 0.0)));
}

net::Task<Result<void>> Feed::look() {
    auto const status = co_await get("/plimsoll/v1/status");
    if (!status) {
        co_return fail(status.error());
    }
    auto const models = co_await get("/plimsoll/v1/models");
    if (!models) {
        co_return fail(models.error());
    }
    auto const queue = co_await get("/plimsoll/v1/queue");
    if (!queue) {
        co_return fail(queue.error());
    }
    found(*status);
    board_.take_status(*status);
    board_.take_models(*models);
    board_.take_queue(*queue);
    co_await look_at_runs();
    co_return Result<void>();
}

// Chains may be turned off: without them there is just nothing to show.
net::Task<void> Feed::look_at_runs() {
    auto const runs = co_await get("/plimsoll/v1/runs?limit=5");
    if (!runs) {
        co_return;
    }
    board_.take_runs(*runs);
    std::vector<std::string> going_on;
    for (auto const& row : board_.runs()) {
        if (row.status == "running") {
            going_on.push_back(row.id);
        }
    }
    for (auto const& id : going_on) {
        if (auto const run = co_await get("/plimsoll/v1/runs/" + id)) {
            board_.take_run(*run);
        }
    }
}

net::Task<void> Feed::look_again_and_again() {
    while (!over_.is_cancelled()) {
        news_.reset();
        auto const looked = co_await look();
        if (over_.is_cancelled()) {
            break;
        }
        if (!looked) {
            board_.set_link(Link::Lost, looked.error().message, loop_.now());
            client_.drop_idle();
        }
        on_change_();
        auto const now = loop_.now();
        co_await net::sleep_until(loop_, now + kBreath);
        if (!over_.is_cancelled()) {
            auto const waited = co_await news_.wait(now + (looked ? interval_ : kPause), &over_);
            static_cast<void>(waited);
        }
    }
    client_.drop_idle();
}

// As an event's id: one number for each upstream.
std::string Feed::from_the_start() const {
    std::string out;
    for (std::size_t i = 0; i < board_.upstreams().size(); ++i) {
        out += i == 0 ? "0" : ",0";
    }
    return out;
}

net::Task<Result<void>> Feed::read_events() {
    net::ClientRequest request;
    request.target = "/plimsoll/v1/events";
    request.fields.add("Accept", "text/event-stream");
    request.fields.add("Last-Event-ID", from_the_start());
    request.head_timeout = kPatience;
    auto response = co_await client_.send(request, &over_);
    if (!response) {
        co_return fail(std::move(response).error());
    }
    if (response->head().status != 200) {
        co_return fail(Errc::UpstreamFailed, "no events");
    }
    EventReader reader;
    for (;;) {
        auto const piece = co_await response->read_some(kSilence, &over_);
        if (!piece) {
            co_return fail(piece.error());
        }
        if (piece->empty()) {
            co_return fail(Errc::ConnectionClosed, "Plimsoll has ended the stream");
        }
        reader.add(*piece);
        while (auto const event = reader.next()) {
            boost::system::error_code broken;
            auto const data = boost::json::parse(event->data, broken);
            if (!broken) {
                board_.take_event(event->name, data, time_of(data));
            }
        }
        news_.set();
    }
}

net::Task<void> Feed::follow_events() {
    while (!over_.is_cancelled()) {
        // Not before the daemon's clock is known, by which kept events are placed in time.
        if (board_.link() == Link::Live && has_looked_) {
            auto const read = co_await read_events();
            if (over_.is_cancelled()) {
                break;
            }
            if (!read) {
                news_.set();  // whether the daemon has gone is seen by looking
            }
        }
        co_await net::sleep_until(loop_, loop_.now() + kPause / 4);
    }
}

void Feed::ask(Wish wish) {
    on_told_({wish.doing + " ...", false});
    loop_.spawn("wish", perform(std::move(wish)));
}

net::Task<void> Feed::perform(Wish wish) {
    auto const body = boost::json::serialize(wish.body);
    std::array<std::string_view, 1> const pieces = {body};
    net::ClientRequest request;
    request.method = http::Method::Post;
    request.target = wish.path;
    request.fields.add("Content-Type", "application/json");
    request.head_timeout = kLongest;
    request.replayable = false;
    request.has_body = true;
    request.pieces = pieces;
    auto response = co_await client_.send(request, &over_);
    if (over_.is_cancelled()) {
        co_return;
    }
    if (!response) {
        on_told_({wish.doing + " failed: " + response.error().message, true});
        co_return;
    }
    auto const text = co_await response->read_all(kMostAnswer, kPatience, &over_);
    auto const answer = text ? parse_answer(*text, response->head().status)
                             : Result<boost::json::value>(fail(text.error()));
    if (over_.is_cancelled()) {
        co_return;
    }
    on_told_(
        answer ? Told{wish.doing + ": done", false}
               : Told{wish.doing + " failed: " + answer.error().message, true}
    );
    news_.set();
}

}  // namespace plimsoll::app::top
