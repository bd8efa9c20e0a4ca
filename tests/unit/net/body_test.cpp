#include "support/catch.hpp"

#include <plimsoll/net/body.hpp>

#include <algorithm>
#include <string>
#include <utility>

using plimsoll::net::Body;

namespace {

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>('a' + i * 7 % 23);
    }
    return text;
}

}  // namespace

TEST_CASE("body: it holds what was appended across every kind of growth", "[net][unit]") {
    Body body;
    std::string expected;
    for (std::size_t const size : {1U, 10U, 1000U, 100'000U, 60'000U, 1'000'000U, 3U}) {
        auto const piece = pattern(size);
        body.append(piece);
        expected += piece;
        REQUIRE(body.view() == expected);
    }
    CHECK(body.capacity() >= body.size());
}

TEST_CASE("body: reserve makes room once, for exactly that much where it is large", "[net][unit]") {
    Body body;
    body.reserve(50'000'000);
    CHECK(body.capacity() >= 50'000'000);
    CHECK(body.capacity() < 50'000'000 + 64 * 1024);
    char const* const before = body.prepare(1).data();
    auto const room = body.prepare(50'000'000);
    CHECK(room.data() == before);
    std::ranges::fill(room.first(50'000'000), 'x');
    body.commit(50'000'000);
    CHECK(body.size() == 50'000'000);
    CHECK(body.view().back() == 'x');
}

TEST_CASE("body: what is prepared counts only once it is committed", "[net][unit]") {
    Body body;
    auto const room = body.prepare(10);
    CHECK(room.size() >= 10);
    CHECK(body.size() == 0);
    std::ranges::copy(std::string("hello"), room.begin());
    body.commit(5);
    CHECK(body.view() == "hello");
}

TEST_CASE("body: moving hands the memory over, clearing gives it back", "[net][unit]") {
    for (std::size_t const size : {100U, 1'000'000U}) {
        Body from;
        from.append(pattern(size));
        Body to(std::move(from));
        CHECK(to.view() == pattern(size));
        Body assigned;
        assigned.append("old");
        assigned = std::move(to);
        CHECK(assigned.view() == pattern(size));
        assigned.clear();
        CHECK(assigned.size() == 0);
        CHECK(assigned.capacity() == 0);
        assigned.append("again");
        CHECK(assigned.view() == "again");
    }
}
