#include "support/catch.hpp"
#include "support/fixtures.hpp"
#include "upstream/ollama_json.hpp"

#include <boost/json.hpp>

namespace plimsoll::upstream {
namespace {

// The body of one recorded answer.
std::string recorded(boost::json::object const& response) {
    std::string body;
    for (auto const& chunk : response.at("chunks").as_array()) {
        body += std::string_view(chunk.as_object().at("text").as_string());
    }
    return body;
}

boost::json::object recording(std::filesystem::path const& folder, std::string const& name) {
    return boost::json::parse(test::read_file(folder / name)).as_object();
}

TEST_CASE(
    "show: a recorded answer gives weights, format, capabilities and shape", "[upstream][unit]"
) {
    auto const folder = test::fixtures("ollama");
    if (!folder) {
        return;
    }
    auto const info =
        read_show(recorded(recording(*folder, "show.json").at("response").as_object()));
    REQUIRE(info);
    CHECK(info->weights == "941f309b54caaad6747569ba43712bcde44a2be3bae16c3282ff499c37c54af5");
    CHECK(info->format == "gguf");
    CHECK(info->can("completion"));
    CHECK_FALSE(info->can("embedding"));
    CHECK_FALSE(info->is_remote);
    CHECK_FALSE(info->num_ctx);
    CHECK(info->geometry.trained_ctx == 8192);
}

TEST_CASE("show: a derived name has its base's weights and its own context", "[upstream][unit]") {
    auto const folder = test::fixtures("ollama");
    if (!folder) {
        return;
    }
    auto const info = read_show(
        recorded(recording(*folder, "show-derived-with-num-ctx.json").at("response").as_object())
    );
    REQUIRE(info);
    CHECK(info->weights == "941f309b54caaad6747569ba43712bcde44a2be3bae16c3282ff499c37c54af5");
    CHECK(info->num_ctx == 1024);
}

TEST_CASE("tags and ps: recorded lists are read with their sizes", "[upstream][unit]") {
    auto const folder = test::fixtures("ollama");
    if (!folder) {
        return;
    }
    auto const models =
        read_tags(recorded(recording(*folder, "tags.json").at("response").as_object()));
    REQUIRE(models);
    REQUIRE(models->size() == 2);
    CHECK((*models)[1].name == "smollm2:135m");
    CHECK((*models)[1].size == Bytes(98362745));
    auto const loaded = recording(*folder, "generate-preload.json");
    auto const after = loaded.at("after").as_array().at(0).as_object().at("response").as_object();
    auto const rows = read_ps(recorded(after));
    REQUIRE(rows);
    REQUIRE(rows->size() == 1);
    auto const& row = rows->front();
    CHECK(row.model == "smollm2:135m");
    CHECK(row.digest == (*models)[1].digest);
    CHECK(row.size == Bytes(210690374));
    CHECK(row.size_vram == Bytes(0));
    CHECK(row.num_ctx == 4096);
    CHECK(row.expires_at == "2026-11-23T14:57:08.95406515Z");
    CHECK(row.raw == recorded(after).substr(11, row.raw.size()));
}

TEST_CASE("ps: no list, null and an empty one are no rows", "[upstream][unit]") {
    for (auto const* body : {R"({})", R"({"models":null})", R"({"models":[]})"}) {
        auto const rows = read_ps(body);
        REQUIRE(rows);
        CHECK(rows->empty());
    }
}

TEST_CASE(
    "answers: bytes that are no JSON object are a protocol error that says which",
    "[upstream][unit]"
) {
    for (auto const* body : {"", "[]", "{\"models\":", "<html>"}) {
        auto const rows = read_ps(body);
        REQUIRE_FALSE(rows);
        CHECK(rows.error().code == Errc::UpstreamProtocol);
        CHECK_THAT(rows.error().message, ContainsSubstring("/api/ps"));
    }
}

TEST_CASE("show: a remote stub is one only with both members", "[upstream][unit]") {
    CHECK(read_show(R"({"remote_host":"https://h","remote_model":"m"})")->is_remote);
    CHECK_FALSE(read_show(R"({"remote_host":"","remote_model":"m"})")->is_remote);
}

TEST_CASE("errors: the sentence is found in every shape", "[upstream][unit]") {
    CHECK(error_text(R"({"error":"model 'x' not found"})") == "model 'x' not found");
    CHECK(error_text(R"({"error":{"message":"busy"}})") == "busy");
    CHECK(error_text("404 page not found") == "404 page not found");
    CHECK(has_error_member(R"({"error":"x"})"));
    CHECK_FALSE(has_error_member(R"({"done":true})"));
}

}  // namespace
}  // namespace plimsoll::upstream
