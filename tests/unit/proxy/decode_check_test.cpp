#include "proxy/decode_check.hpp"

#include "proxy/model_error.hpp"
#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::proxy;
using http::Method;

namespace {

// What we answer to a body before any model is looked at; empty: nothing.
std::string refusal(std::string_view path, std::string_view body) {
    auto const route = http::find_route(Method::Post, path);
    auto const members = http::find_members(body, go_type_of(route.operation));
    if (!members) {
        auto const error = decode_error(route, members.error());
        return std::to_string(error.status) + " " + error.text;
    }
    auto const wrong = check_member_types(route, *members, body);
    return wrong ? std::to_string(wrong->status) + " " + wrong->text : std::string();
}

}  // namespace

TEST_CASE("decode: bodies that the upstream cannot read get its own sentence", "[proxy][decode]") {
    struct Row {
        char const* path;
        char const* body;
        char const* expected;
    };

    auto const row = GENERATE(
        Row{"/api/chat", "", "400 missing request body"},
        Row{"/api/generate", " \n", "400 missing request body"},
        Row{"/v1/chat/completions", "", "400 EOF"},
        Row{"/v1/messages", "", "400 EOF"},
        Row{"/api/generate", R"({"model": "smollm2:135m", "prompt": )", "400 unexpected EOF"},
        Row{"/v1/chat/completions", "{", "400 unexpected EOF"},
        Row{"/api/chat",
            "[1,2]",
            "400 json: cannot unmarshal array into Go value of type api.ChatRequest"},
        Row{"/api/generate",
            "[1,2]",
            "400 json: cannot unmarshal array into Go value of type api.GenerateRequest"},
        Row{"/api/chat", "hello", "400 invalid character 'h' looking for beginning of value"},
        Row{"/api/chat",
            R"({"model":5})",
            "400 json: cannot unmarshal number into Go struct field ChatRequest.model of type "
            "string"},
        Row{"/api/generate",
            R"({"model":5,"prompt":7})",
            "400 json: cannot unmarshal number into Go struct field GenerateRequest.model of type "
            "string"},
        Row{"/api/generate",
            R"({"prompt":[],"model":5})",
            "400 json: cannot unmarshal array into Go struct field GenerateRequest.prompt of type "
            "string"},
        Row{"/api/chat",
            R"({"model":"a","stream":"yes"})",
            "400 json: cannot unmarshal string into Go struct field ChatRequest.stream of type bool"
        },
        Row{"/api/chat",
            R"({"model":"a","messages":"hi"})",
            "400 json: cannot unmarshal string into Go struct field ChatRequest.messages of type "
            "[]api.Message"},
        Row{"/v1/chat/completions", R"({"model":"a"})", "400 [] is too short - 'messages'"},
        Row{"/v1/messages",
            R"({"model":"a","messages":[{}]})",
            "400 max_tokens is required and must be positive"},
        Row{"/v1/messages", R"({"model":"a","max_tokens":8})", "400 messages is required"},
        Row{"/api/embed", R"({"model":"a","input":5})", "400 invalid input type"}
    );
    CAPTURE(row.path, row.body);
    CHECK(refusal(row.path, row.body) == row.expected);
}

TEST_CASE("decode: what may be right is let through", "[proxy][decode]") {
    CHECK(refusal("/api/chat", R"({"model":"a","messages":[],"unknown":1})").empty());
    CHECK(refusal("/api/chat", R"({"model":"a","messages":null,"stream":null})").empty());
    CHECK(refusal("/api/embed", R"({"model":"a","input":["a","b"]})").empty());
    CHECK(refusal("/v1/messages", R"({"model":"a","messages":[{}],"MAX_TOKENS":8})").empty());
    // A key may be spelt with escapes or with letters that fold: then we cannot be sure that it is
    // missing.
    CHECK(refusal("/v1/messages", R"({"model":"a","messages":[{}],"max\u005ftokens":8})").empty());
    CHECK(refusal(
              "/v1/messages",
              "{\"model\":\"a\",\"messages\":[{}],\"max_to\xe2\x84\xaa"
              "ens\":8}"
    )
              .empty());
    CHECK(refusal("/v1/responses", R"({"model":"a","input":{"any":"shape"}})").empty());
}

TEST_CASE("model names: each route has its own sentence", "[proxy][decode]") {
    using http::Operation;
    CHECK(missing_model(Operation::Generate).text == "model '' not found");
    CHECK(missing_model(Operation::Generate).status == 404);
    CHECK(missing_model(Operation::Chat).text == "model is required");
    CHECK(missing_model(Operation::Chat).status == 400);
    CHECK(missing_model(Operation::Embed).status == 404);
    CHECK(missing_model(Operation::Embeddings).status == 400);
    CHECK(missing_model(Operation::OpenAiCompletions).status == 404);
    CHECK(missing_model(Operation::OpenAiChat).status == 400);
    CHECK(unknown_model(Operation::Chat, "absent:1b").text == "model 'absent:1b' not found");
    CHECK(
        unknown_model(Operation::Embed, "absent:1b").text ==
        R"(model "absent:1b" not found, try pulling it first)"
    );
    auto const ill_formed = check_model_name(Operation::Generate, "a/b/c/d:e");
    REQUIRE_FALSE(ill_formed.has_value());
    CHECK(ill_formed.error().status == 400);
    CHECK(ill_formed.error().text == "invalid model name");
    CHECK(check_model_name(Operation::Generate, " SMOLLM2:135M ").has_value());
}
