#include "chain/run/run_log.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>

namespace plimsoll::chain {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostTokenBytes = 64U << 20U;  // kept for those who read slowly
constexpr std::size_t kBesideText = 200;             // of a token's event
// A resumed run numbers its events from the next multiple: the tokens that had been told were not
// written down, and a watcher may have seen them.
constexpr std::uint64_t kResumeStep = 1'000'000'000;

constexpr std::string_view kToken = "token";
constexpr std::array<std::string_view, 11> kKinds{
    "run_started",
    "step_started",
    "model_loading",
    "model_loaded",
    "model_unloaded",
    kToken,
    "tool_call",
    "breaker",
    "warning",
    "step_finished",
    "run_finished",
};

// The static spelling of a kind that was read.
std::string_view kind_of(json::object const& data) {
    auto const* const value = data.if_contains("event");
    auto const* const text = value == nullptr ? nullptr : value->if_string();
    if (text == nullptr) {
        return {};
    }
    auto const found = std::ranges::find(kKinds, std::string_view(text->data(), text->size()));
    return found == kKinds.end() ? std::string_view() : *found;
}

std::size_t size_of_token(RunEvent const& event) {
    auto const* const text = event.data.if_contains("text");
    return kBesideText + (text != nullptr && text->is_string() ? text->get_string().size() : 0);
}

}  // namespace

void RunLog::preload(std::vector<store::StoredEvent> const& past) {
    for (auto const& stored : past) {
        boost::system::error_code broken;
        auto parsed = json::parse(stored.event, broken);
        if (broken || !parsed.is_object()) {
            continue;
        }
        auto event = std::make_shared<RunEvent>();
        event->id = stored.id;
        event->kind = kind_of(parsed.get_object());
        event->data = std::move(parsed.get_object());
        last_id_ = std::max(last_id_, stored.id);
        events_.push_back(std::move(event));
    }
    last_id_ = (last_id_ / kResumeStep + 1) * kResumeStep;
}

void RunLog::add(std::string_view kind, json::object data) {
    auto event = std::make_shared<RunEvent>();
    event->id = ++last_id_;
    event->kind = kind;
    json::object all{{"id", event->id}, {"event", kind}};
    for (auto& member : data) {
        all[member.key()] = std::move(member.value());
    }
    event->data = std::move(all);
    if (kind == kToken) {
        token_bytes_ += size_of_token(*event);
        events_.push_back(std::move(event));
        forget_old_tokens();
    } else {
        unsaved_.push_back(event);
        events_.push_back(std::move(event));
    }
    wake();
}

void RunLog::forget_old_tokens() {
    while (token_bytes_ > kMostTokenBytes) {
        auto const oldest =
            std::ranges::find_if(events_, [](auto const& each) { return each->kind == kToken; });
        token_bytes_ -= size_of_token(**oldest);
        events_.erase(oldest);
    }
}

void RunLog::close() {
    is_closed_ = true;
    wake();
}

void RunLog::wake() {
    for (auto* const flag : watchers_) {
        flag->set();
    }
}

net::Task<Result<std::shared_ptr<RunEvent const>>> RunLog::next(
    std::uint64_t after_id, std::optional<TimePoint> until, net::Canceller* canceller
) {
    for (;;) {
        auto const found = std::ranges::upper_bound(events_, after_id, {}, [](auto const& each) {
            return each->id;
        });
        bool const is_there = found != events_.end();
        if (is_there && (held_.empty() || (*found)->id <= *held_.begin())) {
            co_return *found;
        }
        if (is_closed_ && !is_there) {
            co_return std::shared_ptr<RunEvent const>();
        }
        net::Flag flag(loop_);
        auto const place = watchers_.insert(watchers_.end(), &flag);
        auto const woken = co_await flag.wait(until, canceller);
        watchers_.erase(place);
        if (!woken) {
            co_return fail(woken.error());
        }
    }
}

RunLog::Hold::Hold(RunLog& log) : log_(log), place_(log.held_.insert(log.last_id_)) {}

RunLog::Hold::~Hold() {
    log_.held_.erase(place_);
    log_.wake();
}

std::vector<store::StoredEvent> RunLog::take_unsaved() {
    std::vector<store::StoredEvent> out;
    for (auto const& event : unsaved_) {
        out.push_back({event->id, json::serialize(event->data)});
    }
    unsaved_.clear();
    return out;
}

}  // namespace plimsoll::chain
