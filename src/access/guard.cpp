#include <plimsoll/access/guard.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>

namespace plimsoll::access {
namespace {

using namespace std::chrono_literals;

constexpr Duration kWindow = 60s;
// When one of several long answers ends nobody knows.
constexpr Duration kBusyRetry = 1s;

bool is_enough(Role role, Right right) {
    switch (right) {
        case Right::Open:
        case Right::Inference:
            return true;
        case Right::Operator:
            return role != Role::Inference;
        case Right::Admin:
            break;
    }
    return role == Role::Admin;
}

}  // namespace

// What a key has used up; shared by its passes.
struct Usage {
    std::uint32_t running = 0;
    std::deque<TimePoint> begun;  // within the window, at most requests_per_minute of them

    void forget_before(TimePoint now) {
        while (!begun.empty() && begun.front() + kWindow <= now) {
            begun.pop_front();
        }
    }
};

struct Guard::Entry {
    std::shared_ptr<Key const> key;
    std::shared_ptr<Usage> usage;
};

namespace {

std::optional<Denial> over_limit(Key const& key, Usage& usage, TimePoint now) {
    if (key.max_concurrent > 0 && usage.running >= key.max_concurrent) {
        return Denial{
            .status = 429,
            .text = fmt::format(
                "the key \"{}\" may have {} requests at a time, and has {} now; try again when "
                "one has ended",
                key.name,
                key.max_concurrent,
                usage.running
            ),
            .retry_after = kBusyRetry
        };
    }
    usage.forget_before(now);
    if (key.requests_per_minute == 0) {
        return std::nullopt;
    }
    if (usage.begun.size() >= key.requests_per_minute) {
        // A lower limit after a reload may leave more than one too many.
        auto const first = usage.begun.size() - key.requests_per_minute;
        auto const wait = usage.begun[first] + kWindow - now;
        return Denial{
            .status = 429,
            .text = fmt::format(
                "the key \"{}\" may make {} requests a minute; the next is free in {}",
                key.name,
                key.requests_per_minute,
                format_duration(wait)
            ),
            .retry_after = wait
        };
    }
    usage.begun.push_back(now);
    return std::nullopt;
}

Denial without_key(bool is_presented) {
    return {
        .status = 401,
        .text = is_presented ? "this key is not known here; it may be mistyped or revoked"
                             : "a key is needed here; send it as \"Authorization: Bearer KEY\" or "
                               "\"x-api-key: KEY\""
    };
}

std::optional<Denial> without_right(Key const& key, Need need) {
    if (!is_enough(key.role, need.right)) {
        return Denial{
            .status = 403,
            .text = fmt::format(
                "this needs a key of the role {}; the key \"{}\" has the role {}",
                to_string(need.right),
                key.name,
                to_string(key.role)
            )
        };
    }
    if (!key.models.empty() && !need.is_for_limited_keys) {
        return Denial{
            .status = 403,
            .text = fmt::format(
                "the key \"{}\" is for some models only, and this concerns all of them", key.name
            )
        };
    }
    return std::nullopt;
}

}  // namespace

std::string_view to_string(Right right) {
    switch (right) {
        case Right::Open:
            return "open";
        case Right::Inference:
            return "inference";
        case Right::Operator:
            return "operator";
        case Right::Admin:
            break;
    }
    return "admin";
}

Pass::Pass(std::shared_ptr<Key const> key, std::shared_ptr<Usage> usage)
    : key_(std::move(key)), usage_(std::move(usage)) {
    ++usage_->running;
}

Pass::~Pass() {
    give_back();
}

Pass& Pass::operator=(Pass&& other) noexcept {
    if (this != &other) {
        give_back();
        key_ = std::move(other.key_);
        usage_ = std::move(other.usage_);
    }
    return *this;
}

void Pass::give_back() {
    if (auto const usage = std::exchange(usage_, nullptr)) {
        --usage->running;
    }
}

std::optional<core::Priority> Pass::priority(std::optional<core::Priority> asked) const {
    if (key_ == nullptr || !key_->priority) {
        return asked;
    }
    return std::min(asked.value_or(*key_->priority), *key_->priority);
}

Guard::Guard(Policy policy) {
    replace(std::move(policy));
}

Guard::~Guard() = default;

void Guard::replace(Policy policy) {
    is_closed_ = policy.is_closed;
    trusts_sockets_ = policy.trusts_sockets;
    auto const old_digests = std::exchange(digests_, {});
    auto const old_entries = std::exchange(entries_, {});
    for (auto& key : policy.keys) {
        auto const digest = parse_digest(key.hash);
        if (!digest) {
            continue;  // the configuration was checked; what nobody can present opens nothing
        }
        auto const same = std::ranges::find(old_digests, *digest);
        auto usage = same == old_digests.end()
                         ? std::make_shared<Usage>()
                         : old_entries[static_cast<std::size_t>(same - old_digests.begin())].usage;
        digests_.push_back(*digest);
        entries_.push_back({std::make_shared<Key const>(std::move(key)), std::move(usage)});
    }
}

Guard::Entry* Guard::find(std::string_view secret) {
    auto const found = find_digest(digests_, secret);
    return found ? &entries_[*found] : nullptr;
}

std::expected<Pass, Denial> Guard::admit(Request const& request, TimePoint now) {
    bool const is_trusted =
        trusts_sockets_ && request.door == Door::Admin && request.peer == Peer::UnixSocket;
    if (!is_closed_ || is_trusted || request.need.right == Right::Open) {
        return Pass();
    }
    Entry* entry = nullptr;
    for (auto const secret : request.secrets) {
        entry = entry == nullptr ? find(secret) : entry;
    }
    if (entry == nullptr) {
        return std::unexpected(without_key(!request.secrets.empty()));
    }
    if (auto denied = without_right(*entry->key, request.need)) {
        return std::unexpected(std::move(*denied));
    }
    if (auto denied = over_limit(*entry->key, *entry->usage, now)) {
        return std::unexpected(std::move(*denied));
    }
    return Pass(entry->key, entry->usage);
}

}  // namespace plimsoll::access
