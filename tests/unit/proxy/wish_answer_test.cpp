#include "proxy/wish_answer.hpp"

#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::proxy;
using http::Operation;

namespace {

Wish wish(Operation operation, std::string const& body, bool zero = false) {
    auto const members = http::find_members(body);
    REQUIRE(members.has_value());
    return wish_of(operation, *members, zero);
}

}  // namespace

TEST_CASE("wish: a request without work is a preload", "[proxy][wish]") {
    CHECK(wish(Operation::Generate, R"({"model":"a"})") == Wish::Load);
    CHECK(wish(Operation::Generate, R"({"model":"a","prompt":""})") == Wish::Load);
    CHECK(wish(Operation::Generate, R"({"model":"a","prompt":"x"})") == Wish::None);
    CHECK(wish(Operation::Chat, R"({"model":"a","messages":[]})") == Wish::Load);
    CHECK(wish(Operation::Chat, R"({"model":"a","messages":[{}]})") == Wish::None);
    CHECK(wish(Operation::Embed, R"({"model":"a","input":[]})") == Wish::Load);
    CHECK(wish(Operation::Embed, R"({"model":"a","input":"x"})") == Wish::None);
    CHECK(wish(Operation::Embeddings, R"({"model":"a"})") == Wish::Load);
    CHECK(wish(Operation::OpenAiCompletions, R"({"model":"a","prompt":""})") == Wish::None);
    CHECK(wish(Operation::OpenAiChat, R"({"model":"a","messages":[]})") == Wish::None);
}

TEST_CASE("wish: with keep_alive 0 it is an unload, on generate and chat only", "[proxy][wish]") {
    CHECK(
        wish(Operation::Generate, R"({"model":"a","images":["x"],"suffix":"y"})", true) ==
        Wish::Unload
    );
    CHECK(wish(Operation::Chat, R"({"model":"a"})", true) == Wish::Unload);
    CHECK(wish(Operation::Generate, R"({"model":"a","prompt":"x"})", true) == Wish::None);
    CHECK(wish(Operation::Embed, R"({"model":"a"})", true) == Wish::Load);
}

TEST_CASE(
    "wish: answers are the upstream's, with the name as the client wrote it", "[proxy][wish]"
) {
    std::string const at = "2026-11-23T14:52:08.953915105Z";
    CHECK(
        wish_answer(Operation::Generate, Wish::Load, "SMOLLM2:135M", at) ==
        R"({"model":"SMOLLM2:135M","created_at":"2026-11-23T14:52:08.953915105Z","response":"","done":true,"done_reason":"load"})"
    );
    CHECK(
        wish_answer(Operation::Chat, Wish::Unload, "a", at) ==
        R"({"model":"a","created_at":"2026-11-23T14:52:08.953915105Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"unload"})"
    );
    CHECK(
        wish_answer(Operation::Embed, Wish::Load, "a\"b", at) ==
        R"({"model":"a\"b","embeddings":[]})"
    );
    CHECK(wish_answer(Operation::Embeddings, Wish::Load, "a", at) == R"({"embedding":[]})");
}
