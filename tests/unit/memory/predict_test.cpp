#include "support/catch.hpp"

#include "unit/memory/show_answers.hpp"

#include <string>

using namespace plimsoll;
using memory::Geometry;
using memory::Settings;

namespace {

Settings settings(std::uint32_t num_ctx) {
    Settings s;
    s.num_ctx = num_ctx;
    return s;
}

}  // namespace

TEST_CASE("predict: the cache is layers x cells x (keys + values) x bytes", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    Settings s = settings(4096);
    std::uint64_t const f16 = 2ULL * 4096 * (128 + 128) * 2;
    CHECK(memory::predict(g, gibibytes(1), s).kv.count() == f16);
    s.parallel = 3;
    CHECK(memory::predict(g, gibibytes(1), s).kv.count() == 3 * f16);
    s.parallel = 1;
    s.kv_type = memory::KvType::F32;
    CHECK(memory::predict(g, gibibytes(1), s).kv.count() == 2 * f16);
    s.kv_type = memory::KvType::Q8_0;
    // Rows of 128 are 136 bytes; 384 elements more (408 bytes) close the last row of each of the
    // four tensors, and tensors are padded to 128.
    CHECK(
        memory::predict(g, gibibytes(1), s).kv.count() == 4 * ((4096 * 136 + 408 + 127) / 128 * 128)
    );
}

TEST_CASE(
    "predict: contexts cost by steps of 256 and never above the trained one", "[memory][unit]"
) {
    Geometry const g = test::geometry(test::kLlama);
    auto const kv = [&g](std::uint32_t num_ctx) {
        return memory::predict(g, gibibytes(1), settings(num_ctx)).kv;
    };
    CHECK(kv(4097) == kv(4352));
    CHECK(kv(4097) > kv(4096));
    CHECK(kv(100'000) == kv(8192));
}

TEST_CASE("predict: windowed layers remember the window and one batch", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    g.window = 512;
    g.is_windowed = {true, false};
    Settings s = settings(8192);
    s.num_batch = 256;
    CHECK(memory::predict(g, gibibytes(1), s).kv.count() == (768ULL + 8192) * 256 * 2);
}

TEST_CASE("predict: more context, slots or batch never cost less", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    Bytes last;
    for (std::uint32_t num_ctx = 4; num_ctx <= 8192; num_ctx += 37) {
        Bytes const total = memory::predict(g, gibibytes(1), settings(num_ctx)).booked;
        CHECK(total >= last);
        last = total;
    }
    Settings s = settings(8192);
    s.num_batch = 2048;
    CHECK(memory::predict(g, gibibytes(1), s).booked >= last);
}

TEST_CASE("predict: the parts add up and the margin is never thin", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    memory::Prediction const p = memory::predict(g, gibibytes(30), settings(4096));
    // A newer runtime's residual: 512 floats for each of 512 tokens.
    Bytes const residual = mebibytes(1);
    CHECK(p.overhead == mebibytes(450));
    CHECK(p.margin == (p.weights + p.kv + p.compute).scaled(0.05) + residual);
    CHECK(p.total == p.weights + p.kv + p.compute + p.overhead);
    CHECK(p.booked == p.total + p.margin);
    CHECK(memory::predict(g, mebibytes(10), settings(4096)).margin == mebibytes(64) + residual);
}

TEST_CASE("predict: the compute buffer of an ordinary model", "[memory][unit]") {
    Geometry const g = test::geometry(test::kLlama);
    Settings s = settings(4096);
    s.num_batch = 256;
    auto const compute = [&] { return memory::predict(g, gibibytes(1), s).compute.count(); };
    // Mask, then 2 embeddings, the queries and three feed-forward widths a token.
    CHECK(compute() == 2 * 256 * 4096 + 4 * 256 * (2 * 512 + 512 + 3 * 1024) + 32 * 256);
    // Without flash attention the scores of all heads.
    s.flash_attention = memory::FlashAttention::Off;
    CHECK(compute() == 4 * 256 * 4096 + 4 * 256 * (8 * 4096 + 2 * 512 + 2 * 512 + 256) + 32 * 256);
    // A quantised cache: one layer of it in f16, and the rotation of 64 x 64 floats.
    s = settings(8192);
    s.num_batch = 16;
    s.kv_type = memory::KvType::Q8_0;
    CHECK(
        compute() == 2 * 16 * 8192 + (4 * 16 * (2 * 512 + 2 * 512) + 2 * 256 * 8192) +
                         (4 * 64 * 64 + 16384) + 32 * 16
    );
}

TEST_CASE("predict: matrices under other names cost what the metadata says", "[memory][unit]") {
    std::string show(test::kLlama);
    for (std::size_t at = show.find("ffn_"); at != std::string::npos; at = show.find("ffn_")) {
        show.replace(at, 4, "mlp_");
    }
    Geometry const named = test::geometry(test::kLlama);
    CHECK(test::geometry(show).feed_forward == named.feed_forward);
}

TEST_CASE("predict: attention without a cache has a mask all the same", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    g.kv_heads.assign(2, 0);
    Settings s = settings(4096);
    s.num_batch = 256;
    CHECK(
        memory::predict(g, gibibytes(1), s).compute.count() ==
        2 * 256 * 256 + 4 * 256 * (2 * 512 + 512 + 3 * 1024) + 32 * 256
    );
}

TEST_CASE("predict: a projector and an unknown shape are paid for, and said", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    Bytes const plain = memory::predict(g, gibibytes(4), settings(4096)).total;
    g.has_projector = true;
    memory::Prediction const eyes = memory::predict(g, gibibytes(4), settings(4096));
    CHECK(eyes.total >= plain + gibibytes(1));
    CHECK_THAT(eyes.notes.at(0), ContainsSubstring("projector"));
    memory::Prediction const unknown = memory::predict({}, gibibytes(4), settings(4096));
    CHECK(unknown.margin >= gibibytes(1));
    CHECK(unknown.kv == kibibytes(320 * 4096));
    CHECK_THAT(unknown.notes.at(0), ContainsSubstring("not fully known"));
}

TEST_CASE(
    "predict: one slot only for embedders and the families that the upstream limits",
    "[memory][unit]"
) {
    Geometry g = test::geometry(test::kLlama);
    Settings s = settings(1024);
    s.parallel = 4;
    Bytes const four = memory::predict(g, gibibytes(1), s).kv;
    g.is_single_slot = true;
    CHECK(memory::predict(g, gibibytes(1), s).kv.count() * 4 == four.count());
    g.is_single_slot = false;
    g.is_embedding_only = true;
    CHECK(memory::predict(g, gibibytes(1), s).kv.count() * 4 == four.count());
}

TEST_CASE(
    "predict: an open batch is taken as the largest that the upstream may choose", "[memory][unit]"
) {
    Geometry g = test::geometry(test::kLlama);
    g.trained_ctx = 0;
    auto const is_same = [&g](std::uint32_t num_ctx, std::uint32_t batch) {
        Settings pinned = settings(num_ctx);
        pinned.num_batch = batch;
        return memory::predict(g, gibibytes(1), settings(num_ctx)).compute ==
               memory::predict(g, gibibytes(1), pinned).compute;
    };
    CHECK(is_same(4096, 512));
    CHECK(is_same(4097, 1024));
    CHECK(is_same(32768, 1024));
    CHECK(is_same(32769, 2048));
}

TEST_CASE("predict: sizes beyond all memory stay large instead of wrapping", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    g.trained_ctx = 0;
    g.kv_heads.assign(2048, UINT32_MAX);
    g.key_length = g.value_length = UINT32_MAX;
    Settings s = settings(UINT32_MAX);
    s.parallel = UINT32_MAX;
    CHECK(memory::predict(g, Bytes(UINT64_MAX), s).total == Bytes(UINT64_MAX));
    g.layers = 2048;
    g.min_kv_heads = UINT32_MAX;
    CHECK(memory::upstream_estimate(g, gibibytes(1), s) > gibibytes(1ULL << 20));
}

TEST_CASE("predict: what the upstream believes is its own crude sum", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    // 4 x layers x smallest kv heads x (embedding / heads) x tokens.
    std::uint64_t const cache = 4ULL * 2 * 2 * (512 / 8) * 4096;
    CHECK(
        memory::upstream_estimate(g, gibibytes(1), settings(4096)).count() ==
        gibibytes(1).count() + cache
    );
    CHECK(
        memory::upstream_estimate(g, gibibytes(1), settings(8192)) ==
        gibibytes(1) + Bytes(2 * cache) + mebibytes(768)
    );
    Settings s = settings(4096);
    s.num_batch = 2048;
    CHECK(
        memory::upstream_estimate(g, gibibytes(1), s) == gibibytes(1) + Bytes(cache) + gibibytes(2)
    );
}

TEST_CASE(
    "predict: the context that a runner gets is clamped as the upstream does", "[memory][unit]"
) {
    Geometry g = test::geometry(test::kLlama);
    CHECK(memory::clamp_num_ctx(g, -5) == 4);
    CHECK(memory::clamp_num_ctx(g, 4096) == 4096);
    CHECK(memory::clamp_num_ctx(g, 1'000'000) == 8192);
    CHECK(memory::clamp_num_ctx(g, INT64_MAX) == 8192);
    g.is_vision = true;
    CHECK(memory::clamp_num_ctx(g, 100) == 2048);
    g.trained_ctx = 0;
    CHECK(memory::clamp_num_ctx(g, INT64_MAX) == UINT32_MAX);
}

TEST_CASE("predict: cache types by the upstream's names", "[memory][unit]") {
    CHECK(memory::parse_kv_type("f16") == memory::KvType::F16);
    CHECK(memory::parse_kv_type("Q8_0") == memory::KvType::Q8_0);
    CHECK(memory::parse_kv_type("q4_0") == memory::KvType::Q4_0);
    CHECK(memory::parse_kv_type("f32") == memory::KvType::F32);
    CHECK_FALSE(memory::parse_kv_type("q5_1"));
}

TEST_CASE(
    "predict: settings that the runtime refuses, or that leave attention to the CPU",
    "[memory][unit]"
) {
    Geometry g = test::geometry(test::kLlama);
    auto const why = [&g](memory::KvType type, memory::FlashAttention flash) {
        Settings s;
        s.kv_type = type;
        s.flash_attention = flash;
        memory::Prediction const p = memory::predict(g, gibibytes(1), s);
        CHECK(p.loads == p.notes.empty());
        return p.loads ? std::string() : p.notes.front();
    };
    using memory::FlashAttention;
    using memory::KvType;
    CHECK(why(KvType::Q8_0, FlashAttention::Auto).empty());
    CHECK(why(KvType::F16, FlashAttention::Off).empty());
    CHECK_THAT(
        why(KvType::Q4_0, FlashAttention::Off),
        ContainsSubstring("A q4_0 cache needs flash attention")
    );
    g.has_flash_kernel = false;
    CHECK(why(KvType::F16, FlashAttention::Auto).empty());
    CHECK_THAT(why(KvType::F16, FlashAttention::On), ContainsSubstring("on the CPU. Use \"auto\""));
    CHECK_THAT(
        why(KvType::Q8_0, FlashAttention::Auto), ContainsSubstring("on the CPU. Use an f16 cache")
    );
    g.has_flash_kernel = true;
    g.value_length = 80;
    CHECK_THAT(why(KvType::Q8_0, FlashAttention::Auto), ContainsSubstring("a multiple of 32"));
    // Encoders have no cache that could be quantised.
    g.kv_heads.assign(2, 0);
    CHECK(why(KvType::Q8_0, FlashAttention::Off).empty());
}

TEST_CASE(
    "predict: an architecture that nobody checked has a wider margin, and says so", "[memory][unit]"
) {
    Geometry g = test::geometry(test::kLlama);
    g.is_known_family = false;
    memory::Prediction const p = memory::predict(g, gibibytes(30), settings(4096));
    CHECK(p.loads);
    CHECK(p.margin == (p.weights + p.kv + p.compute).scaled(0.10) + mebibytes(1));
    CHECK_THAT(p.notes.at(0), ContainsSubstring("\"llama\" is not known"));
}

TEST_CASE("predict: drafting is a second context", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    g.draft_layers = 1;
    g.draft_kv_heads = {0, 2};
    g.draft_weights = mebibytes(100);
    Settings s = settings(4096);
    CHECK(memory::predict(g, gibibytes(1), s).draft == Bytes());
    s.draft_num_predict = 3;
    memory::Prediction const p = memory::predict(g, gibibytes(1), s);
    CHECK(p.draft == mebibytes(100) + Bytes(4096 * 256 * 2) + p.compute);
    g.recurrent_layers = 1;
    g.state_floats = 1000;
    Bytes const without = memory::predict(g, gibibytes(1), s).draft;
    g.has_state_per_draft = true;
    CHECK(memory::predict(g, gibibytes(1), s).draft == without + Bytes(3 * 4000));
}

TEST_CASE("predict: an index of keys is a cache beside the cache", "[memory][unit]") {
    Geometry g = test::geometry(test::kLlama);
    Bytes const plain = memory::predict(g, gibibytes(1), settings(4096)).kv;
    g.index_layers = 2;
    g.index_length = 128;
    CHECK(memory::predict(g, gibibytes(1), settings(4096)).kv == plain + Bytes(2 * 4096 * 128 * 2));
}

TEST_CASE(
    "predict: embedders with an output matrix compute logits for every token", "[memory][unit]"
) {
    Geometry g = test::geometry(test::kLlama);
    g.vocabulary = 150'000;
    Settings s = settings(2048);
    s.num_batch = 512;
    Bytes const one = memory::predict(g, gibibytes(1), s).compute;
    g.has_output_per_token = true;
    CHECK(memory::predict(g, gibibytes(1), s).compute > one + mebibytes(250));
}
