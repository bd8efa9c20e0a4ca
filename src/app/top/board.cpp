#include "app/top/board.hpp"

#include "app/json_view.hpp"
#include "app/run_views.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <tuple>

namespace plimsoll::app::top {
namespace {

constexpr std::size_t kLongestName = 200, kLongestText = 1000;  // bytes

std::string name_in(JsonView field) {
    return printable(field.text(), kLongestName);
}

Duration time_in(JsonView field) {
    return from_seconds(field.number().value_or(0));
}

std::optional<Duration> time_or_none(JsonView field) {
    auto const seconds = field.number();
    return seconds ? std::optional(from_seconds(*seconds)) : std::nullopt;
}

UpstreamRow upstream_row(JsonView from) {
    UpstreamRow row;
    row.name = name_in(from["name"]);
    row.kind = name_in(from["provider"]);
    if (auto const version = name_in(from["version"]); !version.empty()) {
        row.kind += " " + version;
    }
    row.url = name_in(from["url"]);
    row.why = printable(from["why"].text(), kLongestText);
    row.is_up = from["up"].is_true();
    row.charged = Bytes(from["charged_bytes"].count());
    row.budget = Bytes(from["budget_bytes"].count());
    row.peak = Bytes(from["peak_bytes"].count());
    for (auto const& card : from["cards"].items()) {
        row.cards.push_back(
            {name_in(card["name"]),
             Bytes(card["charged_bytes"].count()),
             Bytes(card["budget_bytes"].count())}
        );
    }
    auto const counters = from["counters"];
    row.loads = counters["loads"].count();
    row.evictions = counters["evictions"].count();
    row.refused = counters["refused"].count();
    return row;
}

ModelRow model_row(JsonView from) {
    ModelRow row;
    row.name = name_in(from["name"]);
    row.upstream = name_in(from["upstream"]);
    row.state = name_in(from["state"]);
    row.charge = Bytes(from["charge_bytes"].count());
    if (from["num_ctx"].count() > 0) {
        row.context = from["num_ctx"].count();
    }
    row.users = from["leases"].count();
    row.waiting = from["waiting"].count();
    row.idle = row.users > 0 ? std::nullopt : time_or_none(from["last_used_seconds_ago"]);
    row.expires_in = time_or_none(from["expires_in_seconds"]);
    row.in_state = time_in(from["state_seconds"]);
    row.is_pinned = from["pinned"].is_true();
    row.is_foreign = from["foreign"].is_true();
    return row;
}

// Every request has its beginning and its end; those that nobody waited for would push everything
// else off the screen.
bool is_worth_telling(std::string_view kind, JsonView event) {
    constexpr double kLongWait = 1;  // seconds
    if (kind == "dispatch") {
        return event["waited_seconds"].number().value_or(0) >= kLongWait;
    }
    return kind != "finish" || !event["done"].is_true();
}

}  // namespace

void Board::take_status(boost::json::value const& status) {
    JsonView const view(status);
    has_status_ = true;
    clock_ = wall_seconds(view["time"].text());
    version_ = name_in(view["version"]);
    bool const is_off = view["enabled"].exists() && !view["enabled"].is_true();
    remark_ = view["draining"].is_true() ? "ending: no new requests"
              : is_off                   ? "management is off: plain pass-through"
                                         : "";
    upstreams_.clear();
    for (auto const& upstream : view["upstreams"].items()) {
        upstreams_.push_back(upstream_row(upstream));
    }
}

void Board::take_models(boost::json::value const& models) {
    models_.clear();
    for (auto const& model : JsonView(models)["models"].items()) {
        models_.push_back(model_row(model));
    }
    std::ranges::sort(models_, [](ModelRow const& a, ModelRow const& b) {
        return std::tie(a.upstream, a.name) < std::tie(b.upstream, b.name);
    });
}

void Board::take_queue(boost::json::value const& queue) {
    queue_.clear();
    for (auto const& waiting : JsonView(queue)["waiting"].items()) {
        auto const model = name_in(waiting["model"]);
        auto const upstream = name_in(waiting["upstream"]);
        auto row = std::ranges::find_if(queue_, [&](QueueRow const& one) {
            return one.model == model && one.upstream == upstream;
        });
        if (row == queue_.end()) {
            queue_.emplace_back();
            row = queue_.end() - 1;
            row->model = model;
            row->upstream = upstream;
            row->why = printable(waiting["why"].text(), kLongestText);
        }
        row->requests += 1;
        row->overdue += waiting["overdue"].is_true() ? 1 : 0;
        row->longest = std::max(row->longest, time_in(waiting["waited_seconds"]));
        if (auto const still = time_or_none(waiting["expected_seconds"])) {
            row->still = std::min(*still, row->still.value_or(*still));
        }
    }
}

void Board::take_runs(boost::json::value const& runs) {
    runs_.clear();
    for (auto const& run : JsonView(runs)["runs"].items()) {
        RunRow row{
            .id = name_in(run["id"]),
            .chain = name_in(run["chain"]),
            .status = name_in(run["status"]),
            .took = time_in(run["seconds"]),
            .loads = run["loads"].count(),
        };
        // Of one that goes on only its beginning is told.
        auto const began = wall_seconds(run["started"].text());
        if (!run["seconds"].exists() && began && clock_) {
            row.took = from_seconds(std::max(*clock_ - *began, 0.0));
        }
        runs_.push_back(std::move(row));
    }
}

void Board::take_run(boost::json::value const& run) {
    JsonView const view(run);
    auto const row = std::ranges::find(runs_, name_in(view["id"]), &RunRow::id);
    auto const steps = view["steps"].items();
    if (row == runs_.end() || steps.empty()) {
        return;
    }
    auto const& last = steps.back();
    row->last_step = name_in(last["step"]);
    for (auto const* part : {"name", "model"}) {
        auto const text = name_in(last[part]);
        row->last_step += text.empty() ? "" : " " + text;
    }
}

void Board::take_event(
    std::string_view kind, boost::json::value const& event, std::optional<TimePoint> at
) {
    JsonView const view(event);
    Decision decision;
    decision.kind = printable(kind, kLongestName);
    decision.sequence = view["sequence"].count();
    decision.upstream = name_in(view["upstream"]);
    decision.model = name_in(view["model"]);
    decision.text = printable(view["text"].text(), kLongestText);
    decision.at = at;
    if (kind == "missed") {
        decision.text =
            std::to_string(view["events"].count()) + " events were too many to be shown";
    }
    if (!is_worth_telling(kind, view)) {
        return;
    }
    // After a lost connection all that the daemon keeps comes again. A new daemon counts anew.
    bool const is_known = std::ranges::any_of(decisions_, [&](Decision const& one) {
        return decision.sequence > 0 && one.sequence == decision.sequence &&
               one.upstream == decision.upstream && one.kind == decision.kind &&
               one.text == decision.text;
    });
    if (is_known) {
        return;
    }
    decisions_.push_back(std::move(decision));
    if (decisions_.size() > kKept) {
        decisions_.pop_front();
    }
}

void Board::set_link(Link link, std::string why, TimePoint now) {
    lost_at_ = link == Link::Lost && link_ != Link::Lost ? now : lost_at_;
    link_ = link;
    why_lost_ = printable(why, kLongestText);
}

}  // namespace plimsoll::app::top
