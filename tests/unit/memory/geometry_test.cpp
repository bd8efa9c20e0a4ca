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

TEST_CASE("geometry: hybrids of latent attention have it where its matrix is", "[memory][unit]") {
    Geometry const g = test::geometry(R"({
        "model_info": {
            "general.architecture": "kimi-linear", "kimi-linear.block_count": 3, "kimi-linear.embedding_length": 512,
            "kimi-linear.attention.head_count": 8, "kimi-linear.attention.head_count_kv": null,
            "kimi-linear.attention.key_length": 576, "kimi-linear.attention.value_length": 512,
            "kimi-linear.attention.key_length_mla": 192, "kimi-linear.attention.value_length_mla": 128,
            "kimi-linear.attention.kv_lora_rank": 512, "kimi-linear.kda.head_dim": 128,
            "kimi-linear.ssm.conv_kernel": 4, "kimi-linear.vocab_size": 7},
        "tensors": [
            {"name": "blk.0.ssm_conv1d_q.weight", "type": "F32", "shape": [4, 1024]},
            {"name": "blk.1.ssm_conv1d_q.weight", "type": "F32", "shape": [4, 1024]},
            {"name": "blk.2.attn_kv_a_mqa.weight", "type": "F16", "shape": [512, 576]}]})");
    CHECK(g.kv_heads == Heads{0, 0, 1});
    CHECK(g.keys_only);
    CHECK(g.recurrent_layers == 2);
    CHECK(g.state_floats == 3 * 3 * 8 * 128 + 128 * 128 * 8);
}

TEST_CASE("geometry: each kind of recurrent state by its own keys", "[memory][unit]") {
    auto const floats = [](std::string const& keys) {
        return test::geometry(
                   R"({"model_info": {"general.architecture": "x", "x.block_count": 1, "x.embedding_length": 512, )" +
                   keys + "}}"
        )
            .state_floats;
    };
    CHECK(floats(R"("x.wkv.head_size": 64)") == 512 * (2 + 64));
    CHECK(floats(R"("x.wkv.head_size": 64, "x.token_shift_count": 1)") == 512 * (1 + 64));
    CHECK(floats(R"("x.shortconv.l_cache": 3)") == 512 * 2);
    CHECK(
        floats(R"("x.ssm.inner_size": 1024, "x.ssm.state_size": 16, "x.ssm.conv_kernel": 4)") ==
        3 * 1024 + 16 * 1024
    );
    CHECK(floats(R"("x.attention.head_count": 2)") == 0);
}

TEST_CASE("geometry: layers that only draft are cached with the model or apart", "[memory][unit]") {
    auto const of = [](std::string const& architecture) {
        std::string show = R"({"model_info": {"general.architecture": "ARCH", "ARCH.block_count": 4,
            "ARCH.embedding_length": 512, "ARCH.attention.head_count": 8, "ARCH.attention.head_count_kv": 2,
            "ARCH.full_attention_interval": 1, "ARCH.nextn_predict_layers": 1}})";
        for (std::size_t at = show.find("ARCH"); at != std::string::npos; at = show.find("ARCH")) {
            show.replace(at, 4, architecture);
        }
        return test::geometry(show);
    };
    Geometry const with = of("glm4moe");
    CHECK(with.draft_layers == 1);
    CHECK(with.kv_heads == Heads{2, 2, 2, 2});
    CHECK(with.draft_kv_heads == Heads{0, 0, 0, 2});
    Geometry const apart = of("qwen35");
    CHECK(apart.kv_heads == Heads{2, 2, 2, 0});
    CHECK(apart.draft_kv_heads == Heads{0, 0, 0, 2});
    CHECK(apart.has_state_per_draft);
    // The drafting context of DeepSeek holds every layer again.
    CHECK(of("deepseek2").draft_kv_heads == Heads{2, 2, 2, 2});
    CHECK(of("llama").kv_heads == Heads{2, 2, 2, 2});
}

TEST_CASE("geometry: a sparse attention's index has a cache of its own", "[memory][unit]") {
    Geometry const g = test::geometry(
        R"({"model_info": {"general.architecture": "glm-dsa", "glm-dsa.block_count": 4,
        "glm-dsa.nextn_predict_layers": 1, "glm-dsa.attention.indexer.key_length": 128}})"
    );
    CHECK(g.index_length == 128);
    CHECK(g.index_layers == 3);
}

TEST_CASE("geometry: what is missing is named", "[memory][unit]") {
    using Keys = std::vector<std::string>;
    CHECK(test::geometry("{}").missing == Keys{"general.architecture"});
    CHECK(
        test::geometry(
            R"({"model_info": {"general.architecture": "llama", "llama.block_count": 2}})"
        )
            .missing ==
        Keys{"llama.embedding_length", "llama.vocab_size", "llama.attention.head_count"}
    );
    CHECK(test::geometry(test::kLlama).missing.empty());
}

TEST_CASE("geometry: an architecture that nobody checked is said to be one", "[memory][unit]") {
    std::string show(test::kLlama);
    CHECK(test::geometry(show).is_known_family);
    for (std::size_t at = show.find("llama"); at != std::string::npos; at = show.find("llama")) {
        show.replace(at, 5, "newer");
    }
    Geometry const g = test::geometry(show);
    CHECK(g.is_complete);
    CHECK_FALSE(g.is_known_family);
}
