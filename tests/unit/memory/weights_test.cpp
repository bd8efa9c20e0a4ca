#include "support/catch.hpp"

#include "unit/memory/show_answers.hpp"

#include <string>

using namespace plimsoll;

namespace {

Bytes weights(std::string const& tensors, std::string const& metadata = "") {
    auto const show = R"({"model_info": {"general.architecture": "llama", "llama.block_count": 2,
        "llama.embedding_length": 512)" +
                      metadata + R"(}, "tensors": [)" + tensors + "]}";
    return test::geometry(show).device_weights;
}

constexpr char const* kEmbedding =
    R"({"name": "token_embd.weight", "type": "F16", "shape": [512, 10]})";
constexpr char const* kOutput = R"({"name": "output.weight", "type": "F16", "shape": [512, 10]})";

}  // namespace

TEST_CASE("weights: the embedding is on the device only as the output", "[memory][unit]") {
    CHECK(weights(kEmbedding) == Bytes(512 * 10 * 2));
    CHECK(weights(std::string(kEmbedding) + "," + kOutput) == Bytes(512 * 10 * 2));
}

TEST_CASE("weights: tensors are aligned, and quantised rows closed to 512", "[memory][unit]") {
    CHECK(weights(R"({"name": "blk.0.a.weight", "type": "F32", "shape": [33]})") == Bytes(256));
    CHECK(
        weights(R"({"name": "blk.0.a.weight", "type": "Q4_K", "shape": [512, 3]})") ==
        Bytes((3 * 2 * 144 + 127) / 128 * 128)
    );
    // 256 elements short of a step: one more block.
    CHECK(
        weights(R"({"name": "blk.0.a.weight", "type": "q4_k", "shape": [256, 3, 2]})") ==
        Bytes((6 * 144 + 144 + 127) / 128 * 128)
    );
}

TEST_CASE("weights: host tables and layers for drafts are left out", "[memory][unit]") {
    std::string const layers = R"({"name": "blk.0.a.weight", "type": "F32", "shape": [32]},
        {"name": "blk.1.a.weight", "type": "F32", "shape": [32]},
        {"name": "per_layer_token_embd.weight", "type": "F32", "shape": [3200]})";
    CHECK(weights(layers) == Bytes(256));
    CHECK(weights(layers, R"(, "llama.nextn_predict_layers": 1)") == Bytes(128));
    CHECK(weights(layers, R"(, "llama.nextn_predict_layers": 100)") == Bytes());
}

TEST_CASE("weights: an unknown type leaves the file's size to be believed", "[memory][unit]") {
    auto const show = R"({"model_info": {"general.architecture": "llama", "llama.block_count": 1},
        "tensors": [{"name": "output.weight", "type": "F16", "shape": [512, 10]},
                    {"name": "blk.0.a.weight", "type": "Q9_Z", "shape": [512, 512]}]})";
    auto const geometry = test::geometry(show);
    CHECK(geometry.device_weights == Bytes());
    CHECK(memory::predict(geometry, gibibytes(3), {}).weights == gibibytes(3));
}

TEST_CASE(
    "weights: what the blobs hold beyond the tensors is a projector or an adapter", "[memory][unit]"
) {
    auto const geometry = test::geometry(
        R"({"tensors": [{"name": "output.weight", "type": "F16", "shape": [512, 1048576]}]})"
    );
    REQUIRE(geometry.device_weights == gibibytes(1));
    auto const of = [&](Bytes file) { return memory::predict(geometry, file, {}).weights; };
    CHECK(of(gibibytes(1) + mebibytes(20)) == gibibytes(1));  // a tokenizer
    CHECK(of(gibibytes(1) + mebibytes(800)) == gibibytes(1) + mebibytes(800));
    CHECK(of(mebibytes(1)) == gibibytes(1));
}

TEST_CASE("weights: an encoder inside the file is the projector's", "[memory][unit]") {
    auto geometry = test::geometry(R"({"capabilities": ["vision"], "tensors": [
        {"name": "output.weight", "type": "F16", "shape": [512, 1048576]},
        {"name": "v.blk.0.attn_q.weight", "type": "F16", "shape": [512, 1024]},
        {"name": "mm.input_projection.weight", "type": "F16", "shape": [512, 1024]}]})");
    CHECK(geometry.device_weights == gibibytes(1));
    CHECK(geometry.projector_weights == mebibytes(2));
    memory::Prediction const p = memory::predict(geometry, gibibytes(2), {});
    CHECK(p.weights == gibibytes(1));
    // What the blobs hold beyond the list is of the projector too.
    CHECK(p.projector == gibibytes(2) - mebibytes(2) + mebibytes(2));
}

TEST_CASE("weights: what lies on the host, what on both, what only drafts", "[memory][unit]") {
    auto const geometry =
        test::geometry(R"({"model_info": {"general.architecture": "llama", "llama.block_count": 2,
        "llama.nextn_predict_layers": 1}, "tensors": [
        {"name": "token_embd.weight", "type": "F16", "shape": [512, 1024]},
        {"name": "per_layer_token_embd.weight", "type": "F16", "shape": [512, 2048]},
        {"name": "blk.0.attn_q.weight", "type": "F16", "shape": [512, 3072]},
        {"name": "blk.1.attn_q.weight", "type": "F16", "shape": [512, 4096]}]})");
    CHECK(geometry.host_weights == mebibytes(3));
    CHECK(geometry.device_weights == mebibytes(1 + 3));
    CHECK(geometry.draft_weights == mebibytes(4));
}

TEST_CASE("weights: BERT and BitNet have no output on the device", "[memory][unit]") {
    char const* const architecture = GENERATE("nomic-bert", "bitnet");
    auto const geometry = test::geometry(
        R"({"model_info": {"general.architecture": ")" + std::string(architecture) +
        R"("}, "tensors": [{"name": "token_embd.weight", "type": "F16", "shape": [512, 1024]}]})"
    );
    CHECK(geometry.device_weights == Bytes());
    CHECK(geometry.host_weights == mebibytes(1));
}
