#include "support/catch.hpp"

#include <plimsoll/access/guard.hpp>
#include <plimsoll/access/key.hpp>

#include <random>
#include <set>

using namespace plimsoll;
using namespace plimsoll::access;

namespace {

// What the pattern means, written the slow way.
bool means(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) {
        return text.empty();
    }
    if (pattern.front() != '*') {
        return !text.empty() && pattern.front() == text.front() &&
               means(pattern.substr(1), text.substr(1));
    }
    return means(pattern.substr(1), text) ||
           (!text.empty() && text.front() != '/' && means(pattern, text.substr(1)));
}

}  // namespace

TEST_CASE("key: a secret has its prefix, 256 bits, and is never the same", "[access][key]") {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        auto const secret = make_secret();
        REQUIRE(secret);
        CHECK(secret->size() == 47);
        CHECK(secret->starts_with("plk_"));
        CHECK(
            secret->find_first_not_of(
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            ) == std::string::npos
        );
        CHECK(seen.insert(*secret).second);
    }
}

TEST_CASE("key: the hash is SHA-256 in hex, and reads back", "[access][key]") {
    CHECK(
        to_hex(digest_of("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    auto const digest = parse_digest(to_hex(digest_of("plk_x")));
    REQUIRE(digest);
    CHECK(*digest == digest_of("plk_x"));
    for (auto const* wrong :
         {"",
          "ba78",
          "BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
          "ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
          "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parse_digest(wrong));
    }
}

TEST_CASE("key: the one whose secret it is is found among several", "[access][key]") {
    std::vector<Digest> digests;
    for (auto const* secret : {"one", "two", "three"}) {
        digests.push_back(digest_of(secret));
    }
    CHECK(find_digest(digests, "one") == 0);
    CHECK(find_digest(digests, "three") == 2);
    for (auto const* wrong : {"", "onE", "one ", "thre", "threee"}) {
        CHECK_FALSE(find_digest(digests, wrong));
    }
    CHECK_FALSE(find_digest({}, "one"));
    // The hash itself opens nothing.
    CHECK_FALSE(find_digest(digests, to_hex(digests.front())));
}

TEST_CASE("key: a pattern is for a model under any spelling", "[access][key]") {
    struct Case {
        char const* pattern;
        char const* model;
        bool is_for;
    };

    for (auto const& [pattern, model, is_for] : {
             Case{"qwen3:8b", "qwen3:8b", true},
             Case{"qwen3:8b", "QWEN3:8B", true},
             Case{"QWEN3:8b", "qwen3:8b", true},
             Case{"qwen3:8b", "library/qwen3:8b", true},
             Case{"qwen3:8b", "registry.ollama.ai/library/qwen3:8b", true},
             Case{"qwen3:8b", "https://registry.ollama.ai/library/qwen3:8b", true},
             Case{"qwen3:8b", " qwen3:8b ", true},
             Case{"qwen3:8b", "qwen3:8b:local", true},
             Case{"qwen3:8b", "qwen3:8bb", false},
             Case{"qwen3:8b", "qwen3", false},
             Case{"qwen3", "qwen3", true},
             Case{"qwen3", "qwen3:latest", true},
             Case{"qwen3", "qwen3:8b", false},
             Case{"qwen3:*", "qwen3", true},
             Case{"qwen3:*", "qwen3:8b", true},
             Case{"qwen3:*", "qwen3-vl:8b", false},
             Case{"qwen*", "qwen3:8b", true},
             Case{"qwen*", "qwen2.5-coder:7b", true},
             Case{"qwen*", "myqwen:8b", false},
             Case{"qwen*", "qwen-lookalike/llama3:8b", false},
             Case{"qwen*", "hf.co/qwen/qwen3:8b", false},
             Case{"*qwen*", "evil/qwen:1b", false},
             Case{"*:8b", "qwen3:8b", true},
             Case{"*:8b", "user/qwen3:8b", false},
             Case{"chain/*", "chain/summary", true},
             Case{"chain/summary", "chain/summary", true},
             Case{"chain/summary", "chain/summary:latest", true},
             Case{"chain/*", "qwen3", false},
             Case{"hf.co/unsloth/*", "hf.co/unsloth/Qwen3-GGUF:Q4_K_M", true},
             Case{"hf.co/*", "hf.co/unsloth/Qwen3-GGUF:Q4_K_M", false},
             Case{"*", "qwen3:8b", true},
             Case{"*", "hf.co/unsloth/Qwen3-GGUF:Q4_K_M", true},
             Case{"*", "", false},
             Case{"*", "a b", false},
             Case{"qwen3*", "qwen3:8b-cloud", true},
             Case{"qwen3", "qwen3:cloud", false},
         }) {
        CAPTURE(pattern, model);
        CHECK(matches_model(pattern, model) == is_for);
    }
    CHECK(is_for_model({.name = "k"}, "anything"));
    CHECK(is_for_model({.name = "k", .models = {"a", "b*"}}, "bee"));
    CHECK_FALSE(is_for_model({.name = "k", .models = {"a", "b*"}}, "cee"));
}

TEST_CASE("key: patterns mean what their definition says", "[access][key]") {
    auto const seed = test::run_seed();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    auto const text_of = [&](std::string_view signs, std::size_t most) {
        std::string text;
        for (auto left = random() % (most + 1); left > 0; --left) {
            text += signs[random() % signs.size()];
        }
        return text;
    };
    int matching = 0;
    for (int i = 0; i < 200'000; ++i) {
        auto const pattern = text_of("ab/**", 7);
        // Three parts, a tag: the full form is the text itself.
        auto const model = "h.x/s/" + text_of("ab", 5) + ":" + text_of("ab", 3);
        auto const wanted = "h.x/s/" + pattern;
        if (pattern.find('/') != std::string::npos || !matches_model("*", model)) {
            continue;
        }
        CAPTURE(wanted, model);
        auto const is_right = matches_model(wanted, model) == means(wanted, model);
        CHECK(is_right);
        matching += means(wanted, model) ? 1 : 0;
    }
    CHECK(matching > 1000);
}

TEST_CASE("key: names and patterns have a grammar", "[access][key]") {
    for (auto const* right : {"a", "open-webui", "A.b_c-9"}) {
        CHECK(is_key_name(right));
    }
    for (auto const* wrong : {"", "a b", "a/b", "ä", "a\n", "\x1b[31m"}) {
        CHECK_FALSE(is_key_name(wrong));
    }
    CHECK(is_key_name(std::string(64, 'a')));
    CHECK_FALSE(is_key_name(std::string(65, 'a')));
    CHECK(is_model_pattern("qwen*:8b"));
    CHECK_FALSE(is_model_pattern(""));
    CHECK_FALSE(is_model_pattern("qwen 3"));
    CHECK_FALSE(is_model_pattern("qwen\xC3\xA4"));
}
