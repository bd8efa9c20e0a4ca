#include "support/catch.hpp"

#include "unit/memory/show_answers.hpp"

#include <string>

using namespace plimsoll;
using memory::Geometry;

namespace {

using Heads = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("geometry: an ordinary model is read from metadata and matrices", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    CHECK(g.architecture == "llama");
    CHECK(g.trained_ctx == 8192);
    CHECK(g.layers == 2);
    CHECK(g.embedding == 512);
    CHECK(g.heads == 8);
    CHECK(g.key_length == 64);
    CHECK(g.value_length == 64);
    CHECK(g.kv_heads == Heads{2, 2});
    CHECK(g.min_kv_heads == 2);
    CHECK(g.vocabulary == 1000);
    CHECK(g.has_flash_kernel);
    CHECK(g.window == 0);
    CHECK(g.is_complete);
    CHECK_FALSE(g.is_embedding_only);
    CHECK_FALSE(g.has_projector);
}

TEST_CASE("geometry: arrays that the answer hides are rebuilt from the tensors", "[memory][unit]") {
    Geometry const g = test::geometry(R"({
        "model_info": {
            "general.architecture": "granitehybrid", "granitehybrid.block_count": 3,
            "granitehybrid.embedding_length": 512, "granitehybrid.attention.head_count": 8,
            "granitehybrid.attention.head_count_kv": null, "granitehybrid.vocab_size": 7,
            "granitehybrid.ssm.conv_kernel": 4, "granitehybrid.ssm.inner_size": 1024,
            "granitehybrid.ssm.group_count": 1, "granitehybrid.ssm.state_size": 128},
        "tensors": [
            {"name": "blk.0.ssm_conv1d.weight", "type": "F32", "shape": [4, 1280]},
            {"name": "blk.1.attn_k.weight", "type": "F16", "shape": [512, 256]},
            {"name": "blk.2.ssm_conv1d.weight", "type": "F32", "shape": [4, 1280]}]})");
    CHECK(g.kv_heads == Heads{0, 4, 0});
    CHECK(g.min_kv_heads == 1);
    CHECK(g.recurrent_layers == 2);
    CHECK(g.state_floats == 3 * (1024 + 2 * 128) + 128 * 1024);
    CHECK(g.is_complete);
}

TEST_CASE(
    "geometry: arrays that a verbose answer has give the upstream's smallest number of heads",
    "[memory][unit]"
) {
    Geometry const g = test::geometry(R"({
        "model_info": {
            "general.architecture": "x", "x.block_count": 2, "x.embedding_length": 512, "x.attention.head_count": [8, 4],
            "x.attention.head_count_kv": [0, 4], "x.vocab_size": 7}})");
    CHECK(g.heads == 8);
    CHECK(g.kv_heads == Heads{0, 4});
    CHECK(g.min_kv_heads == 1);
}

TEST_CASE("geometry: fused query, key and value matrices are taken apart", "[memory][unit]") {
    Geometry const g = test::geometry(R"({
        "model_info": {
            "general.architecture": "phi3", "phi3.block_count": 1, "phi3.embedding_length": 512,
            "phi3.attention.head_count": 8, "phi3.attention.head_count_kv": 2, "phi3.vocab_size": 7},
        "tensors": [{"name": "blk.0.attn_qkv.weight", "type": "F16", "shape": [512, 768]}]})");
    CHECK(g.kv_heads == Heads{2});
}

TEST_CASE(
    "geometry: absorbed attention stores keys only, one head of the latent width", "[memory][unit]"
) {
    Geometry const file = test::geometry(R"({
        "model_info": {
            "general.architecture": "deepseek2", "deepseek2.block_count": 1, "deepseek2.embedding_length": 2048,
            "deepseek2.attention.head_count": 20, "deepseek2.attention.head_count_kv": 1,
            "deepseek2.attention.key_length": 576, "deepseek2.attention.value_length": 512,
            "deepseek2.attention.key_length_mla": 256, "deepseek2.attention.value_length_mla": 256,
            "deepseek2.attention.kv_lora_rank": 512, "deepseek2.rope.dimension_count": 64}})");
    // Ollama's own conversion of the same model says it in other words.
    Geometry const converted = test::geometry(R"({
        "model_info": {
            "general.architecture": "glm4moelite", "glm4moelite.block_count": 1, "glm4moelite.embedding_length": 2048,
            "glm4moelite.attention.head_count": 20, "glm4moelite.attention.head_count_kv": 20,
            "glm4moelite.attention.key_length": 256, "glm4moelite.attention.value_length": 256,
            "glm4moelite.attention.kv_lora_rank": 512, "glm4moelite.rope.dimension_count": 64}})");
    for (Geometry const& g : {file, converted}) {
        CAPTURE(g.architecture);
        CHECK(g.kv_heads == Heads{1});
        CHECK(g.key_length == 576);
        CHECK(g.keys_only);
    }
}

TEST_CASE("geometry: only the families that honour windows have them", "[memory][unit]") {
    std::string const text =
        R"({"model_info": {"general.architecture": "ARCH", "ARCH.block_count": 6,
        "ARCH.embedding_length": 64, "ARCH.attention.head_count": 1, "ARCH.attention.sliding_window": 512}})";
    auto const of = [&text](std::string const& architecture) {
        std::string show = text;
        for (std::size_t at = show.find("ARCH"); at != std::string::npos; at = show.find("ARCH")) {
            show.replace(at, 4, architecture);
        }
        return test::geometry(show);
    };
    CHECK(of("gemma3").is_windowed == std::vector<bool>{true, true, true, true, true, false});
    CHECK(of("gpt-oss").is_windowed == std::vector<bool>{true, false, true, false, true, false});
    CHECK(of("gemma3").window == 512);
    CHECK(of("llama4").window == 8192);
    CHECK(of("llama").window == 0);
    CHECK(of("qwen2").window == 0);
}

TEST_CASE("geometry: kinds of models are told by capabilities and metadata", "[memory][unit]") {
    Geometry const embedder = test::geometry(R"({"capabilities": ["embedding"], "model_info":
        {"general.architecture": "bert", "bert.block_count": 12, "bert.pooling_type": 1,
         "bert.embedding_length": 384, "bert.attention.head_count": 12, "bert.vocab_size": 30522}})"
    );
    CHECK(embedder.is_embedding_only);
    CHECK(embedder.is_complete);
    CHECK(embedder.kv_heads == Heads(12, 0));
    Geometry const eyes = test::geometry(R"({"capabilities": ["completion", "vision"]})");
    CHECK(eyes.is_vision);
    CHECK(eyes.has_projector);
    CHECK_FALSE(eyes.is_embedding_only);
}

TEST_CASE("geometry: any answer is read, a poor one as incomplete", "[memory][unit]") {
    char const* const show = GENERATE(
        "{}",
        R"({"model_info": null, "tensors": null, "capabilities": null})",
        R"({"model_info": [], "tensors": {}, "capabilities": "vision", "projector_info": 3})",
        R"({"model_info": {"general.architecture": 7}, "tensors": [null, 3, {}, {"name": 1, "shape": []}]})",
        R"({"model_info": {"general.architecture": "llama", "llama.block_count": "many"}})",
        R"({"model_info": {"general.architecture": "llama", "llama.block_count": -3, "llama.embedding_length": 1.5}})",
        R"({"model_info": {"general.architecture": "llama", "llama.block_count": 18446744073709551615,
            "llama.embedding_length": 18446744073709551615, "llama.attention.head_count": 1,
            "llama.attention.key_length": 4294967295}, "tensors": [
            {"name": "blk.0.attn_k.weight", "shape": [4294967295, 4294967295]}]})"
    );
    Geometry const g = test::geometry(show);
    CHECK_FALSE(g.is_complete);
    CHECK(g.layers <= 2048);
    CHECK(memory::predict(g, gibibytes(1), {}).total > gibibytes(2));
    CHECK(memory::upstream_estimate(g, gibibytes(1), {}) >= gibibytes(1));
}
