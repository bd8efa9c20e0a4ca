#include "support/catch.hpp"

#include <plimsoll/memory/calibration.hpp>

#include "unit/memory/show_answers.hpp"

using namespace plimsoll;
using memory::Samples;
using memory::Sizes;

TEST_CASE("calibration: count, mean, spread and largest without the samples", "[memory][unit]") {
    Samples samples;
    CHECK(samples.spread() == 0);
    samples.add(4);
    CHECK(samples.spread() == 0);
    samples.add(6);
    samples.add(2);
    CHECK(samples.count == 3);
    CHECK(samples.mean == Approx(4));
    CHECK(samples.spread() == Approx(2));
    CHECK(samples.largest == 6);
    Samples negative;
    negative.add(-3);
    CHECK(negative.largest == -3);
}

TEST_CASE("calibration: three sizes that agree are believed", "[memory][unit]") {
    Sizes sizes;
    sizes.add(Bytes(100'000));
    sizes.add(Bytes(100'100));
    CHECK_FALSE(sizes.are_certain());
    sizes.add(Bytes(99'900));
    CHECK(sizes.are_certain());
    memory::Device const device{.overhead = Bytes(7)};
    // The largest and 0.3 %, rounded up, and the process.
    CHECK(memory::certain_charge(sizes, device) == Bytes(100'401 + 7));
}

TEST_CASE(
    "calibration: a size that disagrees begins anew or counts for nothing", "[memory][unit]"
) {
    Sizes sizes;
    sizes.add(Bytes(100'000));
    sizes.add(Bytes(100'000));
    // A larger one: what was seen before was of something else.
    sizes.add(Bytes(110'000));
    CHECK(sizes.agreeing == 1);
    // A smaller one does not speak for the largest.
    sizes.add(Bytes(100'000));
    CHECK(sizes.agreeing == 1);
    sizes.add(Bytes(110'000));
    sizes.add(Bytes(109'900));
    CHECK(sizes.are_certain());
    CHECK(sizes.bytes.count == 6);
}

TEST_CASE("calibration: only what the list shows in full teaches", "[memory][unit]") {
    auto geometry = test::geometry(test::kLlama);
    memory::Settings settings;
    CHECK(memory::is_listed_fully(geometry, settings, Bytes(9), Bytes(9)));
    CHECK_FALSE(memory::is_listed_fully(geometry, settings, Bytes(9), Bytes(8)));
    CHECK_FALSE(memory::is_listed_fully(geometry, settings, Bytes(9), Bytes(0)));
    geometry.draft_layers = 1;
    CHECK(memory::is_listed_fully(geometry, settings, Bytes(9), Bytes(9)));
    settings.draft_num_predict = 2;
    CHECK_FALSE(memory::is_listed_fully(geometry, settings, Bytes(9), Bytes(9)));
    geometry.draft_layers = 0;
    geometry.window = 512;
    CHECK_FALSE(memory::is_listed_fully(geometry, settings, Bytes(9), Bytes(9)));
    geometry.window = 0;
    geometry.has_projector = true;
    CHECK_FALSE(memory::is_listed_fully(geometry, settings, Bytes(9), Bytes(9)));
}

TEST_CASE(
    "calibration: the error bar is wide until measured, then three spreads", "[memory][unit]"
) {
    Samples ratios;
    CHECK(memory::error_bar(ratios).low == Approx(0.95));
    CHECK(memory::error_bar(ratios).high == Approx(1.05));
    for (double const ratio : {0.98, 1.00, 1.02}) {
        ratios.add(ratio);
    }
    CHECK(memory::error_bar(ratios).low == Approx(0.94));
    CHECK(memory::error_bar(ratios).high == Approx(1.06));
    Samples equal;
    for (int i = 0; i < 4; ++i) {
        equal.add(1.01);
    }
    CHECK(memory::error_bar(equal).low == Approx(1.005));
    CHECK(memory::error_bar(equal).high == Approx(1.015));
}
