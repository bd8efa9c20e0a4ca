// Saved chains: kept, and asked for as models.

#include <plimsoll/base/text.hpp>

#include "chain_fixture.hpp"
#include <boost/json/serialize.hpp>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

using namespace plimsoll;
using namespace plimsoll::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr auto kTwo =
    R"({"description":"two","models":["a:1","b:1"],"instructions":["1 {input}","2 {input}"]})";

struct Folder {
    Folder() {
        std::string name = (fs::temp_directory_path() / "plimsoll-chains-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }

    ~Folder() { fs::remove_all(path); }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    fs::path path;
};

chain::ChainsConfig in(Folder const& folder) {
    chain::ChainsConfig config;
    config.directory = folder.path / "chains";
    return config;
}

struct Saved : Folder, ChainFixture {
    explicit Saved(std::string const& document = kTwo) : ChainFixture({}, in(*this)) {
        auto const answer = request("PUT", "/plimsoll/v1/chains/two", document);
        REQUIRE(status_of(answer) == 200);
    }
};

std::string without_chunks(std::string const& answer) {
    std::string out;
    for (auto const line : split(body_of(answer), '\n')) {
        if (line.starts_with("{") || line.starts_with("data:")) {
            out += std::string(trim(line)) + "\n";
        }
    }
    return out;
}

std::string joined(std::string const& answer, bool is_thinking) {
    std::string out;
    for (auto const line : split(without_chunks(answer), '\n')) {
        if (line.empty() || line.contains("[DONE]")) {
            continue;
        }
        auto const object =
            parse_object(std::string(line.starts_with("data:") ? line.substr(5) : line));
        if (auto const* const message = object.if_contains("message")) {
            out += text(message->as_object(), is_thinking ? "thinking" : "content");
        } else if (auto const* const choices = object.if_contains("choices")) {
            for (auto const& choice : choices->as_array()) {
                out += text(
                    choice.as_object().at("delta").as_object(),
                    is_thinking ? "reasoning" : "content"
                );
            }
        } else {
            out += text(object, is_thinking ? "thinking" : "response");
        }
    }
    return out;
}

}  // namespace

TEST_CASE("chain: a saved chain is listed, shown, run and deleted", "[chain][component]") {
    Saved f;
    auto const list = f.get_json("/plimsoll/v1/chains");
    REQUIRE(list.at("chains").as_array().size() == 1);
    CHECK(text(list.at("chains").as_array()[0].as_object(), "description") == "two");
    auto const shown = f.get_json("/plimsoll/v1/chains/two");
    CHECK(shown.at("document").as_object().contains("models"));
    auto const run = f.post_json("/plimsoll/v1/chains/two/run", R"({"input":"x"})");
    CHECK(text(run, "output") == "b(2 a(1 x))");
    CHECK(text(run, "chain") == "two");
    CHECK(status_of(f.request("DELETE", "/plimsoll/v1/chains/two")) == 200);
    CHECK(status_of(f.get("/plimsoll/v1/chains/two")) == 404);
    CHECK(status_of(f.request("DELETE", "/plimsoll/v1/chains/two")) == 404);
}

TEST_CASE("chain: what cannot be saved is refused, and nothing is kept", "[chain][component]") {
    Saved f;
    for (std::string const endpoint : {"run", "check"}) {
        auto const refused = f.request("PUT", "/plimsoll/v1/chains/" + endpoint, kTwo);
        CHECK(status_of(refused) == 405);
        CHECK(field_of(refused, "Allow") == "POST");
    }
    CHECK(status_of(f.request("PUT", "/plimsoll/v1/chains/..%2Fx", kTwo)) != 200);
    CHECK(status_of(f.request("PUT", "/plimsoll/v1/chains/bad", "{}")) == 400);
    CHECK(
        status_of(f.request(
            "PUT", "/plimsoll/v1/chains/x", R"({"name":"y","models":["a:1"],"instructions":["x"]})"
        )) == 400
    );
    CHECK(f.get_json("/plimsoll/v1/chains").at("chains").as_array().size() == 1);
}

TEST_CASE("chain: a file that somebody broke is listed with what is wrong", "[chain][component]") {
    Saved f;
    std::ofstream(f.path / "chains" / "broken.json") << "{\n\"steps\": oops}";
    std::ofstream(f.path / "chains" / "no name.json") << kTwo;
    auto const list = f.get_json("/plimsoll/v1/chains").at("chains").as_array();
    REQUIRE(list.size() == 2);
    auto const& broken = list[0].as_object();
    CHECK(text(broken, "name") == "broken");
    CHECK_THAT(boost::json::serialize(broken.at("problems")), ContainsSubstring("line 2"));
    CHECK(status_of(f.post("/plimsoll/v1/chains/broken/run", "{}")) == 400);
    // Not offered as a model.
    CHECK_FALSE(f.get("/api/tags").contains("chain/broken"));
}

TEST_CASE("chain: it stands in the lists of models", "[chain][component]") {
    Saved f;
    CHECK(f.get("/api/tags").contains(R"("name":"chain/two")"));
    CHECK(f.get("/api/tags").contains("smollm2:135m"));
    f.ollama.on_inference = [](net::Exchange& exchange) -> net::Task<void> {
        auto const sent =
            co_await exchange.respond(http::json_reply(200, R"({"object":"list","data":null})"));
        static_cast<void>(sent);
    };
    CHECK(f.get("/v1/models").contains(R"("id":"chain/two")"));
    CHECK(f.get("/v1/models/chain/two").contains(R"("owned_by":"plimsoll")"));
    auto const shown = f.post_json("/api/show", R"({"model":"chain/two:latest"})");
    CHECK(text(shown, "system") == "two");
}

TEST_CASE("chain: it answers as a model, in each dialect", "[chain][component]") {
    Saved f;
    std::string const answer = "b(2 a(1 x))";
    auto const chat =
        f.post("/api/chat", R"({"model":"chain/two","messages":[{"role":"user","content":"x"}]})");
    CHECK(joined(chat, false) == answer);
    CHECK(joined(chat, true) == "a(1 x)");
    CHECK(chat.contains(R"("done":true)"));
    CHECK(field_of(chat, "Content-Type") == "application/x-ndjson");
    auto const generate = f.post("/api/generate", R"({"model":"chain/two","prompt":"x"})");
    CHECK(joined(generate, false) == answer);
    auto const whole =
        f.post_json("/api/generate", R"({"model":"chain/two","prompt":"x","stream":false})");
    CHECK(text(whole, "response") == answer);
    CHECK(whole.at("eval_count") == 10);
    auto const openai = f.post(
        "/v1/chat/completions",
        R"({"model":"chain/two","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"x"}]}]})"
    );
    CHECK(joined(openai, false) == answer);
    CHECK(joined(openai, true) == "a(1 x)");
    CHECK(openai.contains("data: [DONE]"));
    CHECK(openai.contains(R"("total_tokens":16)"));
    auto const object = f.post_json(
        "/v1/chat/completions",
        R"({"model":"chain/two","messages":[{"role":"user","content":"x"}]})"
    );
    auto const& choice = object.at("choices").as_array().at(0).as_object();
    CHECK(text(choice.at("message").as_object(), "content") == answer);
}

TEST_CASE("chain: preload and unload are answered and do nothing", "[chain][component]") {
    Saved f;
    auto const loaded = f.post_json("/api/generate", R"({"model":"chain/two"})");
    CHECK(text(loaded, "done_reason") == "load");
    auto const unloaded = f.post_json("/api/chat", R"({"model":"chain/two","keep_alive":0})");
    CHECK(text(unloaded, "done_reason") == "unload");
    CHECK(f.asked.empty());
    CHECK(f.ollama.loaded.empty());
}

TEST_CASE("chain: what a chain is not is refused with the way to do it", "[chain][component]") {
    Saved f;
    auto const copied = f.post("/api/copy", R"({"source":"chain/two","destination":"three"})");
    CHECK(status_of(copied) == 400);
    CHECK(copied.contains("plimsoll chain delete"));
    CHECK(status_of(f.request("DELETE", "/api/delete", R"({"model":"chain/two"})")) == 400);
    CHECK(status_of(f.post("/api/pull", R"({"model":"chain/two"})")) == 400);
    CHECK(status_of(f.post("/api/embed", R"({"model":"chain/two","input":"x"})")) == 400);
    CHECK(f.get_json("/plimsoll/v1/chains").at("chains").as_array().size() == 1);
    // A name that is no saved chain is the upstream's business.
    CHECK(
        status_of(f.post(
            "/api/chat", R"({"model":"chain/none","messages":[{"role":"user","content":"x"}]})"
        )) == 404
    );
}

TEST_CASE("chain: a failure is told in the dialect of the request", "[chain][component]") {
    Saved f;
    f.say = [](Question const& question) {
        return question.model == "b:1" ? Said{.status = 400, .error = "no"} : Said{.content = "x"};
    };
    auto const whole = f.post(
        "/api/chat",
        R"({"model":"chain/two","stream":false,"messages":[{"role":"user","content":"x"}]})"
    );
    CHECK(status_of(whole) == 502);
    CHECK(whole.contains("refused: b:1: no"));
    auto const stream =
        f.post("/api/chat", R"({"model":"chain/two","messages":[{"role":"user","content":"x"}]})");
    CHECK(status_of(stream) == 200);  // the first step's thoughts were told already
    CHECK(stream.contains(R"({"error":"refused: b:1: no"})"));
    auto const openai = f.post(
        "/v1/chat/completions",
        R"({"model":"chain/two","messages":[{"role":"user","content":"x"}]})"
    );
    CHECK(status_of(openai) == 502);
    CHECK(openai.contains(R"("message":"refused: b:1: no")"));
    CHECK(
        status_of(f.post(
            "/api/chat", R"({"model":"chain/two","messages":[{"role":"system","content":"x"}]})"
        )) == 400
    );
}

TEST_CASE("chain: with breakers the answer is told when it is sure", "[chain][component]") {
    Saved f(
        R"j({"models":["a:1"],"instructions":["{input}"],"breakers":[{"when":{"contains":"a(x)"},"then":{"retry":{"instruction":"better"}}}]})j"
    );
    auto const chat =
        f.post("/api/chat", R"({"model":"chain/two","messages":[{"role":"user","content":"x"}]})");
    CHECK(joined(chat, false) == "a(better)");
}

TEST_CASE("chain: who asks a chain and leaves ends the run", "[chain][component]") {
    Saved f;
    f.say = [](Question const&) { return Said{.content = "late", .after = 1h}; };
    auto const client = f.connect();
    client->send(post_text(
        "/api/chat", R"({"model":"chain/two","messages":[{"role":"user","content":"x"}]})"
    ));
    REQUIRE(f.pump([&] { return f.asked.size() == 1; }));
    client->close();
    REQUIRE(f.pump([&] { return f.ollama.loaded.empty(); }));
}

TEST_CASE(
    "chain: a last step that had to begin again is told as far as it can be", "[chain][component]"
) {
    Saved f;
    f.say = [](Question const& question) {
        bool const breaks_off = question.model == "b:1" && question.nth == 1;
        return Said{.content = breaks_off ? "first" : "second", .breaks_off = breaks_off};
    };
    std::string const body = R"({"model":"chain/two","messages":[{"role":"user","content":"x"}])";
    SECTION("whole, where nothing had been sent") {
        auto const answer = f.post_json("/api/chat", body + R"(,"stream":false})");
        CHECK(text(answer.at("message").as_object(), "content") == "second");
    }
    SECTION("as an error, where a part of it had") {
        CHECK(f.post("/api/chat", body + "}").contains("begun again after a part"));
    }
}
