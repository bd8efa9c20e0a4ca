#include "upstream/modelfile.hpp"

#include "support/catch.hpp"

namespace plimsoll::upstream {
namespace {

std::string const kHash = "941f309b54caaad6747569ba43712bcde44a2be3bae16c3282ff499c37c54af5";

TEST_CASE(
    "modelfile: the weights are those of the first FROM that is no comment", "[upstream][unit]"
) {
    CHECK(
        weights_of_modelfile(
            "# FROM smollm2:135m\n\nFROM /m/blobs/sha256-" + kHash + "\nTEMPLATE x\n"
        ) == kHash
    );
    // A second one is the projector.
    std::string const other(64, 'a');
    CHECK(weights_of_modelfile("FROM /b/sha256-" + kHash + "\nFROM /b/sha256-" + other) == kHash);
    CHECK(weights_of_modelfile("from C:\\blobs\\sha256-" + kHash + "\r\n") == kHash);
}

TEST_CASE("modelfile: without a blob there is no hash", "[upstream][unit]") {
    auto const text = GENERATE(
        as<std::string>{},
        "",
        "FROM",
        "FROM smollm2",
        "FROM /b/sha256-12",
        "# FROM /b/sha256-" + kHash,
        "FROM /b/sha256-" + std::string(64, 'z'),
        "FROM /b/sha256-" + kHash + "0"
    );
    CAPTURE(text);
    CHECK(weights_of_modelfile(text).empty());
}

TEST_CASE("parameters: large integers come as floats", "[upstream][unit]") {
    auto const read = read_parameters(
        "stop                           \"<|im_start|>\"\n"
        "num_ctx                        1.048576e+06\nnum_batch                      256\n"
        "num_gpu                        -1\nuse_mmap                       false\nnum_thread       "
        "              4"
    );
    CHECK(read.num_ctx == 1048576);
    CHECK(read.num_batch == 256);
    CHECK(read.options.num_gpu == -1);
    CHECK(read.options.use_mmap == false);
    CHECK(read.options.num_thread == 4);
    CHECK_FALSE(read.options.main_gpu);
}

TEST_CASE("parameters: what is no number is not a setting", "[upstream][unit]") {
    auto const read = read_parameters("num_ctx nan\nnum_batch \"x\"\nnum_ctx\nnum_gpu 1e300\n");
    CHECK_FALSE(read.num_ctx);
    CHECK_FALSE(read.num_batch);
    CHECK_FALSE(read.options.num_gpu);
    CHECK(read_parameters("num_ctx -5").num_ctx == 0);
}

}  // namespace
}  // namespace plimsoll::upstream
