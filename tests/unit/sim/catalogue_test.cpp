#include "sim/catalogue.hpp"

#include "support/catch.hpp"

#include <algorithm>

namespace plimsoll::test {

namespace {

std::string error_of(std::string_view text) {
    auto const read = sim::read_catalogue(text, "models.json");
    return read ? "" : read.error().message;
}

}  // namespace

TEST_CASE(
    "sim catalogue: the built-in one has the models of the recordings and many of real size",
    "[sim][catalogue]"
) {
    auto const models = sim::load_catalogue(std::nullopt);
    REQUIRE(models.has_value());
    auto const find = [&](std::string_view name) {
        auto const found = std::ranges::find(*models, name, [](auto const& m) -> std::string_view {
            return m->name;
        });
        REQUIRE(found != models->end());
        return *found;
    };
    CHECK(
        find("smollm2:135m")->digest ==
        "fd5f44c0b5aff6453726119fc560d73a8a995a55b4a49804bc24b1969ecf1794"
    );
    CHECK(find("smollm2:135m")->size() == Bytes(98362745));
    CHECK(find("gemma3:270m")->size() == Bytes(253113180));
    auto const real = std::ranges::count_if(*models, [](sim::ModelPtr const& model) {
        return model->weights && model->size() >= gibibytes(1) && model->size() <= gibibytes(60);
    });
    CHECK(real >= 10);
    CHECK(find("llama3.1:8b")->digest == find("llama3.1:latest")->digest);
    CHECK(find("llama3.1:8b")->weights == find("llama3.1-16k:8b")->weights);
    CHECK(find("nomic-embed-text:latest")->is_embedding_only());
    CHECK(find("gemma4:e4b")->can("audio"));
    CHECK(find("gemma3:4b")->can("vision"));
    CHECK(find("qwen3:8b")->can("thinking"));
    CHECK(find("gpt-oss:120b-cloud")->remote.has_value());
    CHECK(find("llama3.1:8b")->weights->tensors.size() == 292);
}

TEST_CASE("sim catalogue: a few bytes are enough for a model", "[sim][catalogue]") {
    auto const models = sim::read_catalogue(
        R"({"weights": [{"id": "w", "file_bytes": "5GiB", "layers": 32,
            "memory": {"device_bytes": "5GiB", "kv_per_token": 131072}}],
            "models": [{"name": "mine:1", "weights": "w"}]})",
        "models.json"
    );
    REQUIRE(models.has_value());
    auto const& weights = *models->front()->weights;
    CHECK(weights.file == gibibytes(5));
    CHECK(weights.blob.size() == 64);
    CHECK(weights.trained_ctx == 131072);
}

TEST_CASE("sim catalogue: mistakes are told with file, line and place", "[sim][catalogue]") {
    CHECK(
        error_of("{\n\n oops}") ==
        "models.json:3: invalid character 'o' looking for beginning of object key string"
    );
    CHECK(error_of("{}") == "models.json:1: models is missing");
    CHECK_THAT(
        error_of("{\"models\": [],\n\"weigths\": []}"),
        ContainsSubstring("models.json:2: weigths is no known member; "
                          "did you mean \"weights\"?")
    );
    CHECK_THAT(
        error_of("{\"models\": [\n{\"name\": \"a\", \"weights\": \"w\"}]}"),
        ContainsSubstring("models.json:2: models[0].weights names \"w\"")
    );
    CHECK_THAT(
        error_of(R"({"models": [{"name": "a/b/c/d", "weights": "w"}]})"),
        ContainsSubstring("models[0].name")
    );
    CHECK_THAT(
        error_of(
            R"({"weights": [{"id": "w", "file_bytes": "much", "layers": 1, "memory": {"device_bytes": 1}}], "models": []})"
        ),
        ContainsSubstring("weights[0].file_bytes \"much\" is no size")
    );
}

}  // namespace plimsoll::test
