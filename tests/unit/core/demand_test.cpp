// Rules 1 and 3: which instance serves which request, and which settings are loaded.
#include "core/demand.hpp"

#include "unit/core/driver.hpp"

using namespace plimsoll::test;
using plimsoll::Bytes;
using plimsoll::gibibytes;
using plimsoll::TimePoint;

namespace {

constexpr TimePoint kNow{2h};

Demand pinned(std::uint32_t num_ctx, std::uint32_t num_batch, Bytes charge = gibibytes(1)) {
    Demand made = demand("a", charge, num_ctx);
    made.settings.num_batch = num_batch;
    return made;
}

Demand bare_with(std::uint32_t num_ctx, bool is_own) {
    Demand made = bare(demand("a", gibibytes(1), num_ctx));
    made.has_own_ctx = is_own;
    return made;
}

Demand with_gpu(Demand made, std::int64_t layers) {
    made.settings.options.num_gpu = layers;
    return made;
}

// A ticket that asks for it, due then.
Want want(Demand const& wanted, plimsoll::Duration due, std::uint64_t id) {
    Want made;
    made.demand = wanted;
    made.due.emplace(TimePoint{due}, TicketId{id});
    return made;
}

Target target_of(std::vector<Want> const& wants) {
    Target target;
    target.wants.assign(wants.begin(), wants.end());
    target.waiting = wants.size();
    return target;
}

std::optional<RunnerSettings> chosen(Target const& target, Bytes limit = gibibytes(10)) {
    auto const choice = choose_demand(target, Driver::small(limit), Held(Driver::small({})), kNow);
    return choice ? std::optional(choice->demand->settings) : std::nullopt;
}

}  // namespace

TEST_CASE(
    "demand: a native request runs where context and batch are at least its own", "[core][form]"
) {
    Demand const wanted = pinned(4096, 512);
    CHECK(serves(pinned(4096, 512), wanted));
    CHECK(serves(pinned(4097, 513), wanted));
    CHECK_FALSE(serves(pinned(4095, 512), wanted));
    CHECK_FALSE(serves(pinned(4096, 511), wanted));
    CHECK(serves(bare_with(4096, false), wanted));  // whatever its batch
    CHECK_FALSE(serves(bare_with(4095, false), wanted));
    Demand unknown = wanted;
    unknown.form = Form::Unknown;
    CHECK_FALSE(serves(unknown, wanted));
}

TEST_CASE("demand: a bare request runs on bare instances of the same context", "[core][form]") {
    CHECK(serves(bare_with(4096, false), bare_with(8192, false)));  // the upstream's default
    CHECK(serves(bare_with(4096, true), bare_with(4096, true)));
    CHECK_FALSE(serves(bare_with(8192, true), bare_with(4096, true)));
    CHECK_FALSE(serves(bare_with(8192, true), bare_with(4096, false)));
    CHECK_FALSE(serves(bare_with(8192, false), bare_with(4096, true)));
    CHECK(serves(bare_with(4096, false), bare_with(4096, true)));
    CHECK_FALSE(serves(pinned(8192, 512), bare_with(4096, false)));
}

TEST_CASE(
    "demand: other options have to be equal, num_gpu only where it is given", "[core][form]"
) {
    Demand const plain = pinned(4096, 512);
    CHECK(serves(with_gpu(plain, 10), plain));
    CHECK(serves(with_gpu(plain, 10), with_gpu(plain, 10)));
    CHECK_FALSE(serves(with_gpu(plain, 10), with_gpu(plain, 11)));
    CHECK_FALSE(serves(plain, with_gpu(plain, 10)));
    Demand mapped = plain;
    mapped.settings.options.use_mmap = false;
    CHECK_FALSE(serves(mapped, plain));
    CHECK_FALSE(serves(plain, mapped));
}

TEST_CASE(
    "demand: whoever is due first leads, and the largest that serves it is loaded", "[core][form]"
) {
    Demand const narrow = pinned(4096, 512, gibibytes(2));
    Demand const wide = pinned(8192, 512, gibibytes(4));
    Demand const widest = pinned(16384, 512, gibibytes(8));
    Demand const batch = pinned(8192, 1024, gibibytes(5));
    Target target = target_of({want(wide, 2s, 1), want(narrow, 1s, 2), want(widest, 3s, 3)});
    CHECK(leading_want(target)->demand.settings == narrow.settings);
    CHECK(chosen(target) == widest.settings);
    CHECK(chosen(target, gibibytes(8)) == widest.settings);
    CHECK(chosen(target, gibibytes(8) - Bytes(1)) == wide.settings);
    CHECK(chosen(target, gibibytes(2)) == narrow.settings);
    CHECK_FALSE(chosen(target, gibibytes(2) - Bytes(1)));
    target = target_of({want(wide, 2s, 1), want(narrow, 3s, 2)});
    CHECK(chosen(target) == wide.settings);
    CHECK_FALSE(chosen(target, gibibytes(3)));  // the narrow one does not serve who leads
    target = target_of({want(narrow, 1s, 1), want(batch, 2s, 2), want(wide, 3s, 3)});
    CHECK(chosen(target) == batch.settings);
    Demand const narrow_batch = pinned(4096, 1024);
    CHECK(
        chosen(target_of({want(narrow, 1s, 1), want(wide, 2s, 2), want(narrow_batch, 3s, 3)})) ==
        wide.settings
    );
    target.wants.front().is_served = true;
    CHECK(leading_want(target)->demand.settings == batch.settings);
    CHECK(leading_want(Target()) == nullptr);
    CHECK_FALSE(chosen(Target()));
}

TEST_CASE(
    "demand: a pin or an announced use leads where nobody waits, and counts beside others",
    "[core][form]"
) {
    Demand const narrow = pinned(4096, 512);
    Demand const wide = pinned(8192, 512);
    Demand const widest = pinned(16384, 512);
    Target target;
    target.announcements.push_back(Announcement{AnnouncementId{1}, narrow, TimePoint{9h}, false});
    target.announcements.push_back(Announcement{AnnouncementId{2}, widest, TimePoint{10h}, false});
    CHECK(leading_demand(target)->settings == narrow.settings);
    CHECK(chosen(target) == widest.settings);
    target.pin = Pin{wide, "operator", TimePoint{1h}, {}, 1};
    CHECK(leading_demand(target)->settings == wide.settings);
    target.wants.push_back(want(narrow, 1s, 1));
    target.waiting = 1;
    CHECK(leading_demand(target)->settings == narrow.settings);
    CHECK(chosen(target) == wide.settings);  // no announced use beside a ticket
}

TEST_CASE(
    "demand: weights that were asked for bare are loaded bare where that serves all", "[core][form]"
) {
    Target target = target_of({want(pinned(4096, 512), 1s, 1)});
    target.seen_bare = bare_with(8192, false);
    CHECK(
        choose_demand(target, Driver::small(gibibytes(10)), Held(Driver::small({})), kNow)
            ->demand->form == Form::Bare
    );
    target.wants.push_back(want(pinned(16384, 512), 2s, 2));
    CHECK(
        choose_demand(target, Driver::small(gibibytes(10)), Held(Driver::small({})), kNow)
            ->demand->form == Form::Pinned
    );
    target.wants.pop_back();
    target.seen_bare->charge = gibibytes(11);  // does not fit
    CHECK(
        choose_demand(target, Driver::small(gibibytes(10)), Held(Driver::small({})), kNow)
            ->demand->form == Form::Pinned
    );
}

TEST_CASE(
    "demand: a raised charge counts until its hour is over, if it is above the demand's",
    "[core][form]"
) {
    Demand const wanted = pinned(4096, 512, gibibytes(4));
    Target target;
    KeyRecord key;
    key.settings = wanted.settings;
    key.raised = gibibytes(5);
    key.raised_until = kNow;
    target.keys.push_back(key);
    CHECK(charge_for(target, wanted, kNow - 1ms) == gibibytes(5));
    CHECK(charge_for(target, wanted, kNow) == gibibytes(4));
    CHECK(charge_for(target, pinned(8192, 512, gibibytes(4)), kNow - 1ms) == gibibytes(4));
    CHECK(charge_for(target, pinned(4096, 512, gibibytes(6)), kNow - 1ms) == gibibytes(6));
}

TEST_CASE(
    "demand: a target is due with its first ticket, or when its pin has waited as long",
    "[core][order]"
) {
    SchedulerConfig config;
    config.patience = {60s, 15s, 3s};
    State const state(config);
    Target target;
    CHECK(due_of(state, target) == kNever);
    target.pin = Pin{pinned(4096, 512), "operator", TimePoint{1h}, {}, 1};
    CHECK(due_of(state, target) == TimePoint{1h} + 15s);
    target.wants.push_back(want(pinned(4096, 512), 1h + 16s, 1));
    CHECK(due_of(state, target) == TimePoint{1h} + 15s);
    target.wants.push_back(want(pinned(8192, 512), 1h + 14s, 2));
    CHECK(due_of(state, target) == TimePoint{1h} + 14s);
    Instance instance;
    target.instance = &instance;
    target.wants.pop_back();
    CHECK(due_of(state, target) == TimePoint{1h} + 16s);  // the pin has what it wants
}
