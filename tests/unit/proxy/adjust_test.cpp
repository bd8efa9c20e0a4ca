#include "proxy/adjust.hpp"

#include "support/catch.hpp"

using namespace plimsoll;
using namespace plimsoll::proxy;

namespace {

struct Edited {
    std::string body;
    std::string named;
};

Edited edit(
    std::string_view body,
    core::Form form,
    core::RunnerSettings const& settings,
    std::vector<std::string> const& cut = {"num_gpu=0"}
) {
    auto const members = http::find_members(body);
    REQUIRE(members.has_value());
    auto const asked = read_options(*members, cut);
    REQUIRE(asked.has_value());
    auto const change = adjust(*members, *asked, form, settings);
    if (!change.is_needed()) {
        return {std::string(body), change.named};
    }
    auto const spliced = apply(body, *members, change);
    std::string out;
    for (auto const piece : spliced.pieces) {
        out += piece;
    }
    CHECK(out.size() == spliced.size);
    return {out, change.named};
}

core::RunnerSettings settings(
    std::uint32_t ctx, std::uint32_t batch = 0, core::RunnerOptions options = {}
) {
    return {ctx, batch, options};
}

}  // namespace

TEST_CASE(
    "adjust: a request that asks for nothing special goes to a bare instance byte for byte",
    "[proxy][adjust]"
) {
    std::string_view const body = R"({"model":"a","prompt":"hi","options":{"seed":1}})";
    auto const out = edit(body, core::Form::Bare, settings(4096));
    CHECK(out.body == body);
    CHECK(out.named.empty());
}

TEST_CASE(
    "adjust: num_ctx and num_batch never reach a bare instance, because they would reload it",
    "[proxy][adjust]"
) {
    auto const out = edit(
        R"({"model":"a","options":{"num_ctx":2048,"num_batch":256,"seed":1}})",
        core::Form::Bare,
        settings(4096)
    );
    CHECK(out.body == R"({"model":"a","options":{"seed":1}})");
    CHECK(out.named == "num_ctx=4096 (asked 2048), num_batch cut (asked 256)");
}

TEST_CASE("adjust: the same context asked explicitly is cut without a word", "[proxy][adjust]") {
    auto const out =
        edit(R"({"model":"a","options":{"num_ctx":4096}})", core::Form::Bare, settings(4096));
    CHECK(out.body == R"({"model":"a","options":{}})");
    CHECK(out.named.empty());
}

TEST_CASE("adjust: a pinned instance's settings are written into the request", "[proxy][adjust]") {
    SECTION("none asked") {
        auto const out =
            edit(R"({"model":"a","prompt":"x"})", core::Form::Pinned, settings(8192, 512));
        CHECK(
            out.body == R"({"model":"a","prompt":"x","options":{"num_ctx":8192,"num_batch":512}})"
        );
        CHECK(out.named.empty());
    }
    SECTION("a smaller context asked") {
        auto const out = edit(
            R"({"model":"a","options":{"num_ctx":4096}})", core::Form::Pinned, settings(8192, 512)
        );
        auto const members = http::find_members(out.body);
        REQUIRE(members.has_value());
        auto const asked = read_options(*members, {});
        REQUIRE(asked.has_value());
        CHECK(asked->num_ctx == 8192);
        CHECK(asked->num_batch == 512);
        CHECK(out.named == "num_ctx=8192 (asked 4096)");
    }
    SECTION("exactly this asked") {
        std::string_view const body = R"({"model":"a","options":{"num_ctx":8192,"num_batch":512}})";
        auto const out = edit(body, core::Form::Pinned, settings(8192, 512));
        CHECK(out.body == body);
        CHECK(out.named.empty());
    }
    SECTION("a batch left to the upstream") {
        auto const out = edit(
            R"({"model":"a","options":{"num_ctx":8192,"num_batch":64}})",
            core::Form::Pinned,
            settings(8192)
        );
        CHECK(out.body == R"({"model":"a","options":{"num_ctx":8192}})");
        CHECK(out.named == "num_batch cut (asked 64)");
    }
}

TEST_CASE(
    "adjust: keep_alive is cut in every spelling, and that alone is not named", "[proxy][adjust]"
) {
    auto const out = edit(
        R"({"Keep_Alive":5,"model":"a","KEEP_ALIVE":"1m","prompt":"x"})",
        core::Form::Bare,
        settings(4096)
    );
    CHECK(out.body == R"({"model":"a","prompt":"x"})");
    CHECK(out.named.empty());
}

TEST_CASE("adjust: num_gpu 0 is cut by policy and named", "[proxy][adjust]") {
    auto const out =
        edit(R"({"model":"a","options":{"num_gpu":0}})", core::Form::Bare, settings(4096));
    CHECK(out.body == R"({"model":"a","options":{}})");
    CHECK(out.named == "num_gpu cut (asked 0)");
}

TEST_CASE(
    "adjust: num_gpu -1 means whatever runs, so cutting it changes nothing", "[proxy][adjust]"
) {
    auto const out =
        edit(R"({"model":"a","options":{"num_gpu":-1}})", core::Form::Bare, settings(4096));
    CHECK(out.body == R"({"model":"a","options":{}})");
    CHECK(out.named.empty());
}

TEST_CASE("adjust: runner options of the key stay as the instance has them", "[proxy][adjust]") {
    core::RunnerOptions has;
    has.num_thread = 4;
    has.use_mmap = true;
    SECTION("equal: untouched") {
        std::string_view const body =
            R"({"model":"a","options":{"num_ctx":8192,"num_thread":4,"use_mmap":true}})";
        CHECK(edit(body, core::Form::Pinned, settings(8192, 0, has)).body == body);
    }
    SECTION("absent: written for a pinned instance, the Modelfile's own for a bare one") {
        std::string_view const body = R"({"model":"a","options":{"num_ctx":8192}})";
        auto const pinned = edit(body, core::Form::Pinned, settings(8192, 0, has));
        CHECK_THAT(pinned.body, ContainsSubstring(R"("num_thread":4)"));
        CHECK_THAT(pinned.body, ContainsSubstring(R"("use_mmap":true)"));
        CHECK(pinned.named.empty());
        auto const bare = edit(R"({"model":"a"})", core::Form::Bare, settings(8192, 0, has));
        CHECK(bare.body == R"({"model":"a"})");
    }
    SECTION("other: replaced and named") {
        auto const out = edit(
            R"({"model":"a","options":{"num_ctx":8192,"num_thread":8,"use_mmap":true}})",
            core::Form::Pinned,
            settings(8192, 0, has)
        );
        CHECK(out.named == "num_thread=4 (asked 8)");
    }
}

TEST_CASE("adjust: shift is made what the instance has", "[proxy][adjust]") {
    core::RunnerOptions no_shift;
    no_shift.shift = false;
    SECTION("equal") {
        std::string_view const body = R"({"model":"a","shift":false,"options":{"num_ctx":8192}})";
        CHECK(edit(body, core::Form::Pinned, settings(8192, 0, no_shift)).body == body);
    }
    SECTION("absent in the request") {
        auto const out = edit(
            R"({"model":"a","options":{"num_ctx":8192}})",
            core::Form::Pinned,
            settings(8192, 0, no_shift)
        );
        CHECK(out.body == R"({"shift":false,"model":"a","options":{"num_ctx":8192}})");
        CHECK(out.named.empty());
    }
    SECTION("the default written out is cut") {
        auto const out = edit(R"({"shift":true,"model":"a"})", core::Form::Bare, settings(4096));
        CHECK(out.body == R"({"model":"a"})");
        CHECK(out.named.empty());
    }
    SECTION("cut by policy") {
        auto const out =
            edit(R"({"shift":false,"model":"a"})", core::Form::Bare, settings(4096), {"shift"});
        CHECK(out.body == R"({"model":"a"})");
        CHECK(out.named == "shift cut (asked false)");
    }
}
