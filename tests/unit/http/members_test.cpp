#include "support/catch.hpp"

#include <plimsoll/http/members.hpp>

#include <algorithm>
#include <string>

using namespace plimsoll;
using namespace plimsoll::http;

namespace {

using Kind = RawValue::Kind;

BodyMembers find(std::string_view body) {
    INFO(body);
    auto found = find_members(body);
    REQUIRE(found);
    return std::move(*found);
}

std::string model_of(std::string_view body) {
    auto const found = find(body);
    return found.model ? found.model->value.text : "(none)";
}

// Literal of an option in force, "(none)" without one.
std::string option_of(BodyMembers const& found, std::string_view name) {
    auto const at = std::ranges::find(found.option_members, name, &Member::name);
    return at == found.option_members.end() ? "(none)" : at->value.text;
}

}  // namespace

TEST_CASE("members: keys match by Unicode folding and through escapes", "[http][members]") {
    for (auto const* const body :
         {R"({"model":"m"})",
          R"({"MODEL":"m"})",
          R"({"mOdEl":"m"})",
          R"({"\u006dodel":"m"})",
          R"({"\u006D\u004f\u0064\u0065\u006c":"m"})",
          R"( { "model" : "m" } )"}) {
        CHECK(model_of(body) == "m");
    }
    CHECK(find("{\"\xE2\x84\xAA"
               R"(eep_alive":0})")
              .keep_alive);
    CHECK(find(R"({"\u212Aeep_alive":0})").keep_alive);
    CHECK(find("{\"\xC5\xBFtream\":true}").stream);
    CHECK(find(R"({"option\u017f":{"num_ctx":1}})").option_members.size() == 1);
    CHECK(find(R"({"me\u017F\u017fage\u017f":[]})").messages);
    for (auto const* const body :
         {R"({"model ":"m"})",
          R"({"mode":"m"})",
          R"({"models":"m"})",
          "{\"m\xC3\xB6"
          R"(del":"m"})",
          R"({"\u2c90odel":"m"})",
          R"({"x":{"model":"m"}})",
          R"({"x":["model","m"]})",
          "{\"model\xC5\":\"m\"}",
          R"({"":"m"})",
          R"({"x":"model"})"}) {
        CHECK(model_of(body) == "(none)");
    }
}

TEST_CASE("members: the last spelling wins, as the upstream reads it", "[http][members]") {
    CHECK(model_of(R"({"model":"a","MODEL":"b"})") == "b");
    CHECK(model_of(R"({"MODEL":"b","model":"a"})") == "a");
    auto const found = find(R"({"model":"a", "x":1, "Model" : "b"})");
    REQUIRE(found.model->occurrences.size() == 2);
    CHECK(found.model->occurrences[0].begin == 1);
    CHECK(found.model->occurrences[0].end == 12);
}

TEST_CASE("members: null leaves a string and clears everything else", "[http][members]") {
    CHECK(model_of(R"({"model":"a","model":null})") == "a");
    CHECK(model_of(R"({"model":null})") == "(none)");
    CHECK_FALSE(find(R"({"keep_alive":"5m","keep_alive":null})").keep_alive);
    CHECK_FALSE(find(R"({"stream":false,"stream":null})").stream);
    CHECK_FALSE(find(R"({"messages":[1],"messages":null})").messages);
    CHECK(find(R"({"keep_alive":null,"keep_alive":0})").keep_alive->occurrences.size() == 2);
    auto const cleared = find(R"({"options":{"num_ctx":1},"options":null})");
    CHECK_FALSE(cleared.options);
    CHECK(cleared.option_members.empty());
}

TEST_CASE("members: a wrong kind anywhere stays wrong", "[http][members]") {
    CHECK(find(R"({"model":1,"model":"a"})").model->value.kind == Kind::Number);
    CHECK(find(R"({"model":"a","model":[]})").model->value.kind == Kind::Array);
    CHECK(find(R"({"stream":"true","stream":true})").stream->value.kind == Kind::String);
    CHECK(find(R"({"options":[],"options":{}})").options->value.kind == Kind::Array);
}

TEST_CASE("members: options are merged, their keys keep their case", "[http][members]") {
    auto const found = find(
        R"({"options":{"num_ctx":1,"NUM_CTX":9,"num_gpu":2},"OPTIONS":{"num_ctx":3,"unknown":4,"stop":["x"],"num_gpu":null}})"
    );
    CHECK(found.options->occurrences.size() == 2);
    CHECK(option_of(found, "num_ctx") == "3");
    CHECK(option_of(found, "NUM_CTX") == "(none)");
    CHECK(option_of(found, "num_gpu") == "(none)");
    CHECK(option_of(found, "unknown") == "(none)");
    CHECK(option_of(found, "stop").empty());
    CHECK(option_of(find(R"({"options":{"\u006eum_ctx":7}})"), "num_ctx") == "7");
    auto const after_null =
        find(R"({"options":{"num_ctx":1},"options":null,"options":{"num_gpu":2}})");
    CHECK(option_of(after_null, "num_ctx") == "(none)");
    CHECK(option_of(after_null, "num_gpu") == "2");
}

TEST_CASE("members: only the first value of a body counts", "[http][members]") {
    std::string_view const body = R"(  {"model":"a"} {"model":"b"} garbage)";
    auto const found = find(body);
    CHECK(found.model->value.text == "a");
    CHECK(found.object.begin == 2);
    CHECK(found.object.end == 15);
    CHECK(found.value_end == 15);
    auto const nothing = find(" null{\"model\":\"b\"}");
    CHECK_FALSE(nothing.is_object);
    CHECK_FALSE(nothing.model);
    CHECK(nothing.value_end == 5);
}

TEST_CASE("members: kind and emptiness are known, prompts are not copied", "[http][members]") {
    auto const found = find(
        R"({"prompt":"text","suffix":"","messages":[ ],"input":{ },"images":["x"],"think":"high","tools":[],"format":"json","truncate":true,"shift":false})"
    );
    CHECK(found.prompt->value.kind == Kind::String);
    CHECK_FALSE(found.prompt->value.is_empty);
    CHECK(found.prompt->value.text.empty());
    CHECK(found.suffix->value.is_empty);
    CHECK(found.messages->value.is_empty);
    CHECK(found.input->value.is_empty);
    CHECK(found.input->value.kind == Kind::Object);
    CHECK_FALSE(found.images->value.is_empty);
    CHECK(found.think->value.kind == Kind::String);
    CHECK(found.think->value.text.empty());
    CHECK(found.shift->value.text == "false");
    CHECK(found.truncate->value.kind == Kind::Bool);
    CHECK(find(R"({"prompt":"hi","PROMPT":""})").prompt->value.is_empty);
}

TEST_CASE("members: strings are decoded as Go decodes them", "[http][members]") {
    CHECK(model_of(R"({"model":"a\"\\\/\b\f\n\r\tz"})") == "a\"\\/\b\f\n\r\tz");
    CHECK(model_of(R"({"model":"\u00e4\ud83d\ude00"})") == "\xC3\xA4\xF0\x9F\x98\x80");
    CHECK(model_of(R"({"model":"\ud83dx"})") == "\xEF\xBF\xBDx");
    CHECK(model_of(R"({"model":"\ud83d\ud83d\ude00"})") == "\xEF\xBF\xBD\xF0\x9F\x98\x80");
    CHECK(model_of(R"({"model":"\ude00"})") == "\xEF\xBF\xBD");
    CHECK(model_of("{\"model\":\"a\xFF\"}") == "a\xEF\xBF\xBD");
}

TEST_CASE("members: long strings end where they end, at every length", "[http][members]") {
    // Lengths around the blocks in which plain text is skipped.
    for (std::size_t size = 0; size < 200; ++size) {
        std::string const text(size, 'x');
        CHECK(model_of("{\"prompt\":\"" + text + "\",\"model\":\"m\"}") == "m");
        CHECK(model_of("{\"prompt\":\"" + text + "\\\"\\\\\",\"model\":\"m\"}") == "m");
        CHECK(model_of("{\"prompt\":\"" + text + "\xC3\xA4" + text + "\",\"model\":\"m\"}") == "m");
        CHECK_FALSE(find_members("{\"prompt\":\"" + text + "\x1F" + text + "\",\"model\":\"m\"}"));
    }
}
