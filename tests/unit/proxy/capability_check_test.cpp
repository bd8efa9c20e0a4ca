#include "proxy/capability_check.hpp"

#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::proxy;

namespace {

std::string refusal(
    std::string_view path,
    std::string_view body,
    std::vector<std::string> capabilities,
    std::string asked = "gemma3:270m"
) {
    auto const route = http::find_route(http::Method::Post, path);
    auto const members = http::find_members(body);
    REQUIRE(members.has_value());
    upstream::ModelInfo info;
    info.name = "gemma3:270m";
    info.capabilities = std::move(capabilities);
    auto const wrong = check_capabilities(route, *members, body, info, asked);
    return wrong ? std::to_string(wrong->status) + " " + wrong->text : std::string();
}

}  // namespace

TEST_CASE(
    "capabilities: an embedding-only model costs no load for a chat", "[proxy][capabilities]"
) {
    CHECK(
        refusal("/api/generate", "{}", {"embedding"}, "emb") ==
        R"(400 "emb" does not support generate)"
    );
    CHECK(refusal("/api/chat", "{}", {"embedding"}, "emb") == R"(400 "emb" does not support chat)");
    CHECK(
        refusal("/v1/completions", "{}", {"embedding"}, "emb") ==
        R"(400 "emb" does not support generate)"
    );
    CHECK(
        refusal("/v1/messages", "{}", {"embedding"}, "emb") == R"(400 "emb" does not support chat)"
    );
    CHECK(refusal("/api/embed", "{}", {"embedding"}, "emb").empty());
}

TEST_CASE(
    "capabilities: tools, insert and thinking are refused where the model lacks them",
    "[proxy][capabilities]"
) {
    CHECK(
        refusal("/api/chat", R"({"tools":[{}]})", {"completion"}) ==
        "400 registry.ollama.ai/library/gemma3:270m does not support tools"
    );
    CHECK(
        refusal("/api/generate", R"({"suffix":"x"})", {"completion"}) ==
        "400 registry.ollama.ai/library/gemma3:270m does not support insert"
    );
    CHECK(
        refusal("/api/generate", R"({"think":true})", {"completion"}, "smollm2:135m") ==
        R"(400 "smollm2:135m" does not support thinking)"
    );
    CHECK(
        refusal("/api/chat", R"({"think":"high"})", {"completion"}) ==
        R"(400 "gemma3:270m" does not support thinking)"
    );
}

TEST_CASE("capabilities: nothing is refused that is not certain", "[proxy][capabilities]") {
    CHECK(refusal("/api/chat", R"({"tools":[{}],"think":true})", {}).empty());
    CHECK(refusal("/api/chat", R"({"tools":[],"think":false})", {"completion"}).empty());
    CHECK(refusal("/api/chat", R"({"think":"level-of-tomorrow"})", {"completion"}).empty());
    CHECK(refusal("/v1/messages", R"({"think":true})", {"completion"}).empty());
    CHECK(refusal("/api/chat", R"({"tools":[{}]})", {"completion", "tools"}).empty());
}
