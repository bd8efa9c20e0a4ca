// plimsoll estimate --show, as a user runs it.

#include "app/run.hpp"
#include "support/catch.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

using namespace plimsoll;
using namespace plimsoll::app;

namespace {

// Standard output and error of one run, and its status.
struct Ran {
    int status = 0;
    std::string out, err;
};

std::string slurp(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Captured {
  public:
    Captured(FILE* stream, std::filesystem::path const& path)
        : stream_(stream), kept_(dup(fileno(stream))) {
        std::fflush(stream_);
        FILE* const file = std::fopen(path.c_str(), "w");
        dup2(fileno(file), fileno(stream_));
        std::fclose(file);
    }

    ~Captured() {
        std::fflush(stream_);
        dup2(kept_, fileno(stream_));
        close(kept_);
    }

    Captured(Captured const&) = delete;
    Captured& operator=(Captured const&) = delete;

  private:
    FILE* stream_;
    int kept_;
};

struct Folder {
    Folder() {
        std::string name = "/tmp/plimsoll-estimate-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }

    ~Folder() { std::filesystem::remove_all(path); }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    Ran estimate(std::string const& show, EstimateOptions options = {}) {
        std::ofstream(path / "show.json") << show;
        options.show = (path / "show.json").string();
        Ran ran;
        {
            Captured const out(stdout, path / "out");
            Captured const err(stderr, path / "err");
            ran.status = run_estimate(options);
        }
        ran.out = slurp(path / "out");
        ran.err = slurp(path / "err");
        return ran;
    }

    std::filesystem::path path;
};

constexpr char const* kShow = R"({"parameters": "num_ctx 2048", "model_info": {
    "general.architecture": "llama", "llama.block_count": 1, "llama.context_length": 8192,
    "llama.embedding_length": 512, "llama.attention.head_count": 8, "llama.attention.head_count_kv": 2},
    "tensors": [{"name": "token_embd.weight", "type": "F16", "shape": [512, 1000]},
                {"name": "blk.0.attn_k.weight", "type": "F16", "shape": [512, 128]}]})";

}  // namespace

TEST_CASE("estimate: a saved answer is enough", "[app][unit]") {
    Folder folder;
    EstimateOptions options;
    options.json = true;
    auto const ran = folder.estimate(kShow, options);
    CHECK(ran.status == 0);
    CHECK(ran.err.empty());
    // The Modelfile's context, not the default.
    CHECK_THAT(ran.out, ContainsSubstring(R"("num_ctx":2048)"));
    CHECK_THAT(ran.out, ContainsSubstring(R"("kv":1048576)"));
    options.json = false;
    CHECK_THAT(folder.estimate(kShow, options).out, ContainsSubstring("cache             1 MiB"));
}

TEST_CASE("estimate: what does not load or fit ends with status 1", "[app][unit]") {
    Folder folder;
    EstimateOptions options;
    options.kv_type = "q8_0";
    options.flash_attention = "off";
    auto const refused = folder.estimate(kShow, options);
    CHECK(refused.status == 1);
    CHECK_THAT(refused.out, ContainsSubstring("Would not load."));
    options = {};
    options.fit = mebibytes(1);
    CHECK(folder.estimate(kShow, options).status == 1);
    options.fit = gibibytes(1);
    CHECK(folder.estimate(kShow, options).status == 0);
}

TEST_CASE("estimate: bad files are refused with the reason", "[app][unit]") {
    struct Case {
        char const *show, *says;
    };

    auto const [show, says] = GENERATE(
        Case{R"({"model_inf)", "is no answer of /api/show"},
        Case{"", "is no answer of /api/show"},
        Case{"[]", "is no answer of /api/show"},
        Case{"{}", "lacks general.architecture"},
        Case{
            R"({"model_info": {"general.architecture": "llama", "llama.block_count": 3}})",
            "lacks llama.embedding_length"
        },
        Case{
            R"({"model_info": {"general.architecture": "llama", "llama.block_count": -3}})",
            "llama.block_count is -3"
        },
        Case{
            R"({"model_info": {"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 8,
                 "llama.vocab_size": 9, "llama.attention.head_count": 1}})",
            "lists no tensors"
        },
        Case{
            R"({"model_info": {"general.architecture": "llama", "llama.block_count": 1, "llama.embedding_length": 8,
                 "llama.vocab_size": 9, "llama.attention.head_count": 1},
                 "tensors": [{"name": "a", "type": "Q99", "shape": [1]}]})",
            "has the type \"Q99\""
        }
    );
    Folder folder;
    auto const ran = folder.estimate(show);
    CAPTURE(show, ran.err);
    CHECK(ran.status == 1);
    CHECK(ran.out.empty());
    CHECK_THAT(ran.err, ContainsSubstring(says));
}
