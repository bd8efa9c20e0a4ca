#include "support/catch.hpp"

#include "unit/memory/show_answers.hpp"

#include <string>

using namespace plimsoll;
using memory::Geometry;

namespace {

// Layers with a window as 'w', others as '-'.
std::string pattern(Geometry const& g) {
    std::string out;
    for (bool const is_windowed : g.is_windowed) {
        out += is_windowed ? 'w' : '-';
    }
    return out;
}

// A model of `layers` layers; `keys` are more members, with ARCH for the architecture.
Geometry model(std::string const& architecture, int layers, std::string const& keys = "") {
    std::string show =
        R"({"model_info": {"general.architecture": "ARCH", "ARCH.embedding_length": 64,
        "ARCH.attention.head_count": 1, "ARCH.block_count": )" +
        std::to_string(layers) + keys + "}}";
    for (std::size_t at = show.find("ARCH"); at != std::string::npos; at = show.find("ARCH")) {
        show.replace(at, 4, architecture);
    }
    return test::geometry(show);
}

constexpr char const* kKey = R"(, "ARCH.attention.sliding_window": 512)";
constexpr char const* kArray = R"(, "ARCH.attention.sliding_window": 512,
    "ARCH.attention.sliding_window_pattern": [true, false, true, true])";

}  // namespace

TEST_CASE("windows: which layers have one, by family", "[memory][unit]") {
    struct Case {
        char const* architecture;
        char const* layers;
    };

    auto const [architecture, layers] = GENERATE(
        Case{"gemma2", "w-w-w-w-"},
        Case{"gemma3", "wwwww-ww"},
        Case{"gemma3n", "wwww-www"},
        Case{"gpt-oss", "w-w-w-w-"},
        Case{"cohere2", "www-www-"},
        Case{"olmo2", "www-www-"},
        Case{"olmo3", "www-www-"},
        Case{"exaone-moe", "www-www-"},
        Case{"afmoe", "www-www-"},
        Case{"muse-glimmer", "www-www-"},
        Case{"mellum", "www-www-"},
        Case{"laguna", "-www-www"},
        Case{"smallthinker", "-www-www"},
        Case{"plamo3", "wwwwwww-"},
        Case{"lfm2", "wwwwwwww"}
    );
    CAPTURE(architecture);
    Geometry const g = model(architecture, 8, kKey);
    CHECK(pattern(g) == layers);
    CHECK(g.window == (std::string(architecture) == "smallthinker" ? 4096 : 512));
    CHECK(g.assumptions.empty());
}

TEST_CASE("windows: families that ignore the key have none", "[memory][unit]") {
    char const* const architecture =
        GENERATE("llama", "qwen2", "phi3", "phimoe", "starcoder2", "lfm2moe", "exaone4");
    Geometry const g = model(architecture, 8, kKey);
    CHECK(g.window == 0);
    CHECK(pattern(g) == "--------");
}

TEST_CASE("windows: sizes that do not come from the key", "[memory][unit]") {
    CHECK(model("gemma2", 2).window == 4096);
    CHECK(model("gemma3", 2).window == 0);
    CHECK(model("llama4", 2).window == 8192);
    CHECK(model("llama4", 2, kKey).window == 8192);
    CHECK(model("llama4", 2, R"(, "ARCH.attention.sliding_window": 0)").window == 0);
    CHECK(model("smallthinker", 8).window == 0);
    // Exaone 4 in its large size only; what drafts sees everything.
    CHECK(model("exaone4", 64).window == 4096);
    Geometry const drafting = model("exaone4", 65, R"(, "ARCH.nextn_predict_layers": 1)");
    CHECK(drafting.window == 4096);
    CHECK(pattern(drafting).substr(56) == "www-www--");
}

TEST_CASE(
    "windows: a number in the metadata is the period, an array only where it counts",
    "[memory][unit]"
) {
    CHECK(
        pattern(model(
            "gemma3", 6, std::string(kKey) + R"(, "ARCH.attention.sliding_window_pattern": 3)"
        )) == "ww-ww-"
    );
    CHECK(
        pattern(model(
            "gemma3", 2, std::string(kKey) + R"(, "ARCH.attention.sliding_window_pattern": 0)"
        )) == "ww"
    );
    CHECK(pattern(model("gemma3", 4, kArray)) == "wwww");
    CHECK(pattern(model("mellum", 4, kArray)) == "w-ww");
    CHECK(pattern(model("mimo2", 4, kArray)) == "w-ww");
    CHECK(pattern(model("step35", 4, kArray)) == "w-ww");
    CHECK(pattern(model("gemma4", 4, kArray)) == "w-ww");
    CHECK(
        pattern(model("cohere2moe", 5, std::string(kArray) + R"(, "ARCH.nextn_predict_layers": 1)")
        ) == "w-ww-"
    );
    CHECK(
        pattern(model(
            "cohere2moe", 4, std::string(kKey) + R"(, "ARCH.attention.sliding_window_pattern": 2)"
        )) == "-w-w"
    );
}

TEST_CASE(
    "windows: an array that the answer hides is said, and charged in full", "[memory][unit]"
) {
    char const* const architecture = GENERATE("mimo2", "step35", "cohere2moe", "gemma4");
    Geometry const g = model(architecture, 4, kKey);
    CHECK(g.window == 0);
    CHECK(pattern(g) == "----");
    REQUIRE(g.assumptions.size() == 1);
    CHECK_THAT(g.assumptions.front(), ContainsSubstring("whole context"));
}

TEST_CASE("windows: an encoder's windows are a second mask", "[memory][unit]") {
    CHECK(model("gemma-embedding", 2, kKey).has_two_masks);
    CHECK(model("modern-bert", 2, kKey).has_two_masks);
    CHECK_FALSE(model("modern-bert", 2).has_two_masks);
    CHECK_FALSE(model("bert", 2, kKey).has_two_masks);
}
