#include "support/catch.hpp"

#include <plimsoll/access/guard.hpp>

#include <chrono>
#include <deque>
#include <random>

using namespace plimsoll;
using namespace plimsoll::access;
using namespace std::chrono_literals;

namespace {

constexpr TimePoint kStart{1h};

Key key(std::string name, std::string const& secret, Role role = Role::Inference) {
    Key out;
    out.name = std::move(name);
    out.hash = to_hex(digest_of(secret));
    out.role = role;
    return out;
}

struct Asked {
    Right right = Right::Inference;
    std::string_view secret = "s";
    bool is_for_limited_keys = true;
    Door door = Door::Public;
    Peer peer = Peer::Network;
};

std::expected<Pass, Denial> ask(Guard& guard, Asked asked = {}, TimePoint now = kStart) {
    std::string_view const secret = asked.secret;
    return guard.admit(
        {.door = asked.door,
         .peer = asked.peer,
         .need = {asked.right, asked.is_for_limited_keys},
         .secrets = std::span(&secret, secret.empty() ? 0 : 1)},
        now
    );
}

unsigned status(std::expected<Pass, Denial> const& answer) {
    return answer ? 200 : answer.error().status;
}

}  // namespace

TEST_CASE("guard: without a key everybody may everything", "[access][guard]") {
    Guard guard(Policy{});
    for (auto const right : {Right::Open, Right::Inference, Right::Operator, Right::Admin}) {
        auto const pass = ask(guard, {.right = right, .secret = ""});
        REQUIRE(pass);
        CHECK(pass->key() == nullptr);
        CHECK(pass->may_use("any"));
        CHECK(ask(guard, {.right = right, .secret = "ollama"}).has_value());
    }
}

TEST_CASE(
    "guard: each role may what its rank allows, and nobody else anything", "[access][guard]"
) {
    Guard guard(
        {.keys =
             {key("i", "si", Role::Inference),
              key("o", "so", Role::Operator),
              key("a", "sa", Role::Admin)},
         .is_closed = true}
    );

    struct Row {
        std::string_view secret;
        unsigned open, inference, operate, admin;
    };

    for (auto const& row :
         {Row{"", 200, 401, 401, 401},
          Row{"nonsense", 200, 401, 401, 401},
          Row{"si", 200, 200, 403, 403},
          Row{"so", 200, 200, 200, 403},
          Row{"sa", 200, 200, 200, 200}}) {
        CAPTURE(row.secret);
        CHECK(status(ask(guard, {.right = Right::Open, .secret = row.secret})) == row.open);
        CHECK(
            status(ask(guard, {.right = Right::Inference, .secret = row.secret})) == row.inference
        );
        CHECK(status(ask(guard, {.right = Right::Operator, .secret = row.secret})) == row.operate);
        CHECK(status(ask(guard, {.right = Right::Admin, .secret = row.secret})) == row.admin);
    }
}

TEST_CASE("guard: closed without any key lets nobody in", "[access][guard]") {
    Guard guard({.is_closed = true});
    CHECK(status(ask(guard)) == 401);
    CHECK(status(ask(guard, {.right = Right::Admin, .secret = ""})) == 401);
    CHECK(status(ask(guard, {.right = Right::Open, .secret = ""})) == 200);
}

TEST_CASE("guard: a broken hash opens nothing", "[access][guard]") {
    Key broken = key("k", "s");
    broken.hash = "";
    Guard guard({.keys = {broken}, .is_closed = true});
    CHECK(status(ask(guard)) == 401);
    CHECK(status(ask(guard, {.secret = ""})) == 401);
}

TEST_CASE("guard: the socket of the admin door needs no key, if it is trusted", "[access][guard]") {
    Policy policy{.keys = {key("k", "s")}, .is_closed = true};
    Guard guard(policy);
    Asked asked{.right = Right::Admin, .secret = ""};
    asked.door = Door::Admin;
    asked.peer = Peer::UnixSocket;
    CHECK(status(ask(guard, asked)) == 200);
    asked.door = Door::Public;
    CHECK(status(ask(guard, asked)) == 401);
    asked.door = Door::Admin;
    asked.peer = Peer::Network;
    CHECK(status(ask(guard, asked)) == 401);
    policy.trusts_sockets = false;
    guard.replace(policy);
    asked.peer = Peer::UnixSocket;
    CHECK(status(ask(guard, asked)) == 401);
}

TEST_CASE("guard: a key for some models has no part in what concerns all", "[access][guard]") {
    auto limited = key("l", "s", Role::Operator);
    limited.models = {"qwen*"};
    Guard guard({.keys = {limited}, .is_closed = true});
    auto const pass = ask(guard);
    REQUIRE(pass);
    CHECK(pass->is_limited());
    CHECK(pass->may_use("qwen3:8b"));
    CHECK_FALSE(pass->may_use("llama3"));
    CHECK(status(ask(guard, {.right = Right::Operator})) == 200);
    CHECK(status(ask(guard, {.right = Right::Operator, .is_for_limited_keys = false})) == 403);
}

TEST_CASE("guard: any of several presented secrets counts", "[access][guard]") {
    Guard guard({.keys = {key("k", "s")}, .is_closed = true});
    std::vector<std::string_view> const secrets{"ollama", "s"};
    CHECK(guard.admit({.need = {Right::Inference, true}, .secrets = secrets}, kStart).has_value());
}

TEST_CASE("guard: requests at a time are counted until they end", "[access][guard]") {
    auto one = key("k", "s");
    one.max_concurrent = 2;
    Guard guard({.keys = {one, key("other", "t")}, .is_closed = true});
    auto first = ask(guard);
    auto second = ask(guard);
    REQUIRE((first && second));
    auto const third = ask(guard);
    REQUIRE_FALSE(third);
    CHECK(third.error().status == 429);
    REQUIRE(third.error().retry_after);
    CHECK(*third.error().retry_after > Duration::zero());
    CHECK(ask(guard, {.secret = "t"}).has_value());
    *first = Pass();
    auto moved = std::move(*second);
    CHECK(status(ask(guard)) == 200);  // and ends at once
    auto fourth = ask(guard);
    CHECK(fourth.has_value());
    CHECK(status(ask(guard)) == 429);
}

TEST_CASE("guard: no 60 s have more requests than a key may make", "[access][guard]") {
    auto const seed = test::run_seed();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (unsigned const limit : {1U, 3U, 20U}) {
        auto limited = key("k", "s");
        limited.requests_per_minute = limit;
        Guard guard({.keys = {limited}, .is_closed = true});
        std::deque<TimePoint> admitted;
        auto now = kStart;
        int refused = 0;
        for (int i = 0; i < 5000; ++i) {
            now += std::chrono::milliseconds(random() % (90'000 / limit));
            while (!admitted.empty() && admitted.front() + 60s <= now) {
                admitted.pop_front();
            }
            auto const answer = ask(guard, {}, now);
            REQUIRE(answer.has_value() == (admitted.size() < limit));
            if (answer) {
                admitted.push_back(now);
                continue;
            }
            ++refused;
            REQUIRE(answer.error().status == 429);
            // Exactly then, and not before.
            auto const at = now + *answer.error().retry_after;
            REQUIRE(at == admitted.front() + 60s);
            REQUIRE(status(ask(guard, {}, at - 1ns)) == 429);
        }
        CHECK(refused > 100);
    }
}

TEST_CASE(
    "guard: requests that are refused for their key or role use nothing up", "[access][guard]"
) {
    auto limited = key("k", "s");
    limited.requests_per_minute = 1;
    Guard guard({.keys = {limited}, .is_closed = true});
    CHECK(status(ask(guard, {.right = Right::Admin})) == 403);
    CHECK(status(ask(guard, {.secret = "x"})) == 401);
    CHECK(status(ask(guard)) == 200);
    CHECK(status(ask(guard)) == 429);
}

TEST_CASE("guard: a reload ends no request and forgets no use", "[access][guard]") {
    auto first = key("k", "s");
    first.max_concurrent = 1;
    first.requests_per_minute = 10;
    Guard guard({.keys = {first}, .is_closed = true});
    auto running = ask(guard);
    REQUIRE(running);
    guard.replace({.keys = {first}, .is_closed = true});
    CHECK(status(ask(guard)) == 429);
    first.max_concurrent = 2;
    guard.replace({.keys = {first}, .is_closed = true});
    CHECK(status(ask(guard)) == 200);
    // Revoked: what runs goes on with the key it came with.
    guard.replace({.is_closed = true});
    CHECK(status(ask(guard)) == 401);
    REQUIRE(running->key() != nullptr);
    CHECK(running->key()->name == "k");
    // Fewer a minute than were made already: the wait is until enough have passed.
    first.max_concurrent = 0;
    guard.replace({.keys = {first}, .is_closed = true});
    for (int i = 0; i < 4; ++i) {
        CHECK(status(ask(guard, {}, kStart + std::chrono::seconds(i))) == 200);
    }
    first.requests_per_minute = 2;
    guard.replace({.keys = {first}, .is_closed = true});
    auto const denied = ask(guard, {}, kStart + 10s);
    REQUIRE_FALSE(denied);
    CHECK(*denied.error().retry_after == 52s);
}

TEST_CASE("guard: a client does not rise above the class of its key", "[access][guard]") {
    using core::Priority;
    auto normal = key("k", "s");
    normal.priority = Priority::Normal;
    Guard guard({.keys = {normal, key("free", "t")}, .is_closed = true});
    auto const pass = ask(guard);
    REQUIRE(pass);
    CHECK(pass->priority(std::nullopt) == Priority::Normal);
    CHECK(pass->priority(Priority::High) == Priority::Normal);
    CHECK(pass->priority(Priority::Low) == Priority::Low);
    auto const free = ask(guard, {.secret = "t"});
    REQUIRE(free);
    CHECK(free->priority(Priority::High) == Priority::High);
    CHECK_FALSE(free->priority(std::nullopt));
}

TEST_CASE("guard: no refusal repeats a secret", "[access][guard]") {
    auto limited = key("k", "plk_canary", Role::Inference);
    limited.requests_per_minute = 1;
    Guard guard({.keys = {limited}, .is_closed = true});
    for (auto const& answer :
         {ask(guard, {.secret = "plk_canary_wrong"}),
          ask(guard, {.right = Right::Admin, .secret = "plk_canary"}),
          ask(guard, {.secret = "plk_canary"}),
          ask(guard, {.secret = "plk_canary"})}) {
        if (!answer) {
            CHECK(answer.error().text.find("canary") == std::string::npos);
        }
    }
}
