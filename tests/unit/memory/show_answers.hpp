#pragma once
// Small /api/show answers, written for one test each.

#include <plimsoll/memory/predict.hpp>

#include <boost/json/parse.hpp>

#include <string_view>

namespace plimsoll::test {

inline memory::Geometry geometry(std::string_view show) {
    return memory::read_geometry(boost::json::parse(show).as_object());
}

// Two layers of Llama's kind: 8 heads of 64, 2 of them in the cache.
inline constexpr std::string_view kLlama = R"({
    "capabilities": ["completion", "tools"],
    "model_info": {
        "general.architecture": "llama", "llama.block_count": 2, "llama.context_length": 8192,
        "llama.embedding_length": 512, "llama.attention.head_count": 8, "llama.attention.head_count_kv": 2,
        "llama.feed_forward_length": 1024, "tokenizer.ggml.tokens": null},
    "tensors": [
        {"name": "token_embd.weight", "type": "Q4_K", "shape": [512, 1000]},
        {"name": "blk.0.attn_q.weight", "type": "F16", "shape": [512, 512]},
        {"name": "blk.0.attn_k.weight", "type": "F16", "shape": [512, 128]},
        {"name": "blk.0.ffn_norm.weight", "type": "F32", "shape": [512]},
        {"name": "blk.0.ffn_gate.weight", "type": "F16", "shape": [512, 1024]},
        {"name": "blk.0.ffn_up.weight", "type": "F16", "shape": [512, 1024]},
        {"name": "blk.0.ffn_down.weight", "type": "F16", "shape": [1024, 512]},
        {"name": "blk.1.attn_k.weight", "type": "F16", "shape": [512, 128]}]})";

}  // namespace plimsoll::test
