#include "support/catch.hpp"

#include <plimsoll/base/model_name.hpp>

using namespace plimsoll;

namespace {

std::string key(std::string_view text) {
    Result<ModelName> const name = ModelName::parse(text);
    return name ? name->key() : std::string(to_string(name.error().code));
}

std::string short_name(std::string_view text) {
    Result<ModelName> const name = ModelName::parse(text);
    return name ? name->short_name() : name.error().message;
}

}  // namespace

TEST_CASE("model name: every spelling of one model has one key", "[base][unit]") {
    std::string_view const text = GENERATE(
        as<std::string_view>(),
        "smollm2:135m",
        "library/smollm2:135m",
        "registry.ollama.ai/library/smollm2:135m",
        "https://registry.ollama.ai/library/smollm2:135m",
        "REGISTRY.ollama.ai/Library/smollm2:135M",
        " SMOLLM2:135M \n",
        "smollm2:135m:local",
        "smollm2:135m:LOCAL"
    );
    CAPTURE(text);
    CHECK(key(text) == "registry.ollama.ai/library/smollm2:135m");
}

TEST_CASE("model name: the short form keeps the spelling and always has a tag", "[base][unit]") {
    CHECK(short_name("SmolLM2:135m") == "SmolLM2:135m");
    CHECK(short_name("gemma3") == "gemma3:latest");
    CHECK(short_name("user/Model") == "user/Model:latest");
    CHECK(short_name("Library/x") == "x:latest");
    CHECK(
        short_name("hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M") ==
        "hf.co/bartowski/Llama-3.2-1B-GGUF:Q4_K_M"
    );
    CHECK(short_name("localhost:5000/library/x") == "localhost:5000/library/x:latest");
    CHECK(short_name("x:local") == "x:latest");
}

TEST_CASE("model name: the parts are told apart", "[base][unit]") {
    Result<ModelName> const name = ModelName::parse("http://host:5000/space/model.1:tag-2");
    REQUIRE(name.has_value());
    CHECK(name->host() == "host:5000");
    CHECK(name->space() == "space");
    CHECK(name->model() == "model.1");
    CHECK(name->tag() == "tag-2");
    CHECK_FALSE(name->is_cloud());
    CHECK_FALSE(name->is_local());
}

TEST_CASE("model name: a source suffix is stripped and remembered", "[base][unit]") {
    std::string_view const cloud = GENERATE(
        as<std::string_view>(),
        "gpt-oss:20b-cloud",
        "gpt-oss:20b-CLOUD",
        "gpt-oss:20b:cloud",
        " gpt-oss:20b: Cloud "
    );
    CAPTURE(cloud);
    Result<ModelName> const name = ModelName::parse(cloud);
    REQUIRE(name.has_value());
    CHECK(name->is_cloud());
    CHECK(name->tag() == "20b");
    CHECK(name->short_name() == "gpt-oss:20b-cloud");
    CHECK(name->key() != key("gpt-oss:20b"));
}

TEST_CASE("model name: the cloud model without a tag keeps its short form", "[base][unit]") {
    CHECK(short_name("gpt-oss:cloud") == "gpt-oss:cloud");
    // The suffix counts in the tag alone.
    Result<ModelName> const name = ModelName::parse("my-cloud");
    REQUIRE(name.has_value());
    CHECK_FALSE(name->is_cloud());
    CHECK(name->short_name() == "my-cloud:latest");
}

TEST_CASE("model name: both sources at once are refused", "[base][unit]") {
    std::string_view const text =
        GENERATE(as<std::string_view>(), "x:local:cloud", "x:cloud:local", "x:7b-cloud:local");
    CHECK(key(text) == "bad_request");
    CHECK_THAT(short_name(text), ContainsSubstring("use either :local or :cloud, not both"));
}

TEST_CASE("model name: what the grammar does not have is refused", "[base][unit]") {
    std::string const long_part(81, 'a');
    std::string const text = GENERATE_COPY(
        as<std::string>(),
        "a/b/c/d",
        "x@sha256:00",
        "x:",
        ":tag",
        "/x",
        "a//x",
        "x/",
        "-x",
        ".x",
        "x:-tag",
        "x:.",
        "na.me/x",
        "na:me/x",
        "x y",
        "x\ty",
        "x\\y",
        "../x",
        "a/../b",
        "https://x",
        "x:tag:tag",
        "m\xc3\xb6"
        "del",
        "x:-cloud",
        ":cloud",
        long_part,
        "x:" + long_part,
        long_part + "/x",
        std::string(351, 'h') + "/s/x"
    );
    CAPTURE(text);
    CHECK(key(text) == "bad_request");
    CHECK(short_name(text) == "invalid model name");
}

TEST_CASE("model name: the longest allowed parts are taken", "[base][unit]") {
    std::string const part(80, 'a');
    CHECK(
        short_name(std::string(350, 'h') + '/' + part + '/' + part + ':' + part).size() ==
        350 + 3 * 81
    );
    CHECK(short_name("_x:_1") == "_x:_1");
}

TEST_CASE("model name: no name at all is a model that is not found", "[base][unit]") {
    CHECK(key("") == "not_found");
    CHECK(key("  \t") == "not_found");
}
