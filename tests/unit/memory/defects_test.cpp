// Numbers that no model has are refused by name.

#include "support/catch.hpp"

#include "unit/memory/show_answers.hpp"

#include <string>

using namespace plimsoll;
using memory::Geometry;

namespace {

Geometry with_key(std::string const& key, std::string const& value) {
    std::string show(test::kLlama);
    std::string const name = "\"llama." + key + "\"";
    if (std::size_t const at = show.find(name); at != std::string::npos) {
        show.erase(at, show.find(',', at) - at + 1);
    }
    show.insert(show.find("\"llama."), name + ": " + value + ", ");
    return test::geometry(show);
}

Geometry with_tensor(std::string const& tensor) {
    std::string show(test::kLlama);
    show.insert(show.find("\"tensors\": [") + 12, tensor + ", ");
    return test::geometry(show);
}

}  // namespace

TEST_CASE("defects: an ordinary model has none", "[memory][unit]") {
    CHECK(test::geometry(test::kLlama).defect.empty());
    CHECK(with_key("attention.sliding_window", "null").defect.empty());
    CHECK(with_key("attention.head_count_kv", "[0, 2]").defect.empty());
}

TEST_CASE("defects: numbers out of range are named with their range", "[memory][unit]") {
    struct Case {
        char const *key, *value, *says;
    };

    auto const [key, value, says] = GENERATE(
        Case{
            "block_count",
            "9223372036854775808",
            "llama.block_count is 9223372036854775808, not 1 to 2048"
        },
        Case{"block_count", "0", "llama.block_count is 0"},
        Case{"block_count", "-2", "llama.block_count is -2"},
        Case{"block_count", "\"two\"", "llama.block_count is \"two\", not a whole number"},
        Case{"embedding_length", "1.5", "llama.embedding_length is 1.5E0, not a whole number"},
        Case{"embedding_length", "{}", "not a whole number"},
        Case{"context_length", "0", "llama.context_length is 0"},
        Case{"attention.head_count_kv", "[2, -1]", "llama.attention.head_count_kv[1] is -1"},
        Case{"attention.head_count_kv", "[2, null]", "llama.attention.head_count_kv[1] is null"},
        Case{"attention.key_length", "1e300", "llama.attention.key_length is 1E300"},
        Case{"ssm.state_size", "true", "not a whole number"}
    );
    CAPTURE(key, value);
    Geometry const g = with_key(key, value);
    CHECK_THAT(g.defect, ContainsSubstring(says));
    memory::Prediction const p = memory::predict(g, gibibytes(1), {});
    CHECK_FALSE(p.loads);
    CHECK_THAT(p.notes.at(0), ContainsSubstring("cannot be true"));
}

TEST_CASE("defects: what is no GGUF file may list numbers without a shape", "[memory][unit]") {
    auto const defect = [](std::string const& format) {
        return test::geometry(
                   R"({"details": {"format": ")" + format +
                   R"("}, "tensors": [{"name": "scale", "type": "F32", "shape": []}]})"
        )
            .defect;
    };
    CHECK(defect("safetensors").empty());
    CHECK_FALSE(defect("gguf").empty());
}

TEST_CASE("defects: no heads where attention needs them", "[memory][unit]") {
    std::string show(test::kLlama);
    for (std::string const cut :
         {R"("llama.attention.head_count": 8,)",
          R"({"name": "blk.0.attn_q.weight", "type": "F16", "shape": [512, 512]},)"}) {
        show.erase(show.find(cut), cut.size());
    }
    show.insert(show.find("\"llama."), R"("llama.attention.head_count": 0, )");
    CHECK_THAT(test::geometry(show).defect, ContainsSubstring("head_count is 0"));
}

TEST_CASE("defects: tensors without a name, a shape, or a possible size", "[memory][unit]") {
    CHECK_THAT(with_tensor("null").defect, ContainsSubstring("without a name and a shape"));
    CHECK_THAT(
        with_tensor(R"({"name": "x", "shape": []})").defect, ContainsSubstring("without a name")
    );
    CHECK_THAT(
        with_tensor(R"({"name": "x", "shape": [-1]})").defect,
        ContainsSubstring("tensor x has a side of -1")
    );
    CHECK_THAT(
        with_tensor(R"({"name": "x", "shape": [0]})").defect, ContainsSubstring("a side of 0")
    );
    CHECK_THAT(
        with_tensor(R"({"name": "x", "shape": [1048576, 1048576, 1048576]})").defect,
        ContainsSubstring("more than any device could hold")
    );
}
