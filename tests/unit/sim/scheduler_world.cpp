#include "unit/sim/scheduler_world.hpp"

#include "support/catch.hpp"

#include <algorithm>

namespace plimsoll::test {

namespace {

sim::SchedulerConfig config_of(Bytes vram, unsigned max_loaded, unsigned parallel) {
    sim::SchedulerConfig out;
    out.machine = {vram, parallel, 4096, "f16"};
    out.max_loaded = max_loaded;
    out.max_queue = 2;
    return out;
}

}  // namespace

SchedulerWorld::SchedulerWorld(Bytes vram, unsigned max_loaded, unsigned parallel)
    : config(config_of(vram, max_loaded, parallel)), books(vram), scheduler(config, books) {}

sim::ModelPtr SchedulerWorld::model(std::string_view name) {
    static auto const all = sim::load_catalogue(std::nullopt);
    REQUIRE(all.has_value());
    auto const found =
        std::ranges::find(*all, name, [](auto const& m) -> std::string_view { return m->name; });
    REQUIRE(found != all->end());
    return *found;
}

std::shared_ptr<Asked> SchedulerWorld::ask(std::string_view model_name, std::string_view body) {
    auto const json = sim::read_json(body);
    REQUIRE(json.has_value());
    auto const entry = model(model_name);
    auto const options = sim::read_options(*json, *entry);
    auto const keep_alive = sim::read_keep_alive(*json);
    REQUIRE((options.has_value() && keep_alive.has_value()));
    sim::Wanted wanted{entry, sim::settle(*options, *entry, config.machine), *keep_alive, {}};
    auto out = std::make_shared<Asked>();
    out->id = scheduler.submit(
        std::move(wanted),
        [out](sim::Grant const& grant) {
            out->is_answered = true;
            out->grant = grant;
        },
        now
    );
    return out;
}

void SchedulerWorld::load(std::string_view model_name, std::string_view body) {
    auto const asked = ask(model_name, body);
    for (int i = 0; i < 100 && !asked->is_answered; ++i) {
        pass(1);
    }
    REQUIRE(asked->is_granted());
    finish(*asked);
}

void SchedulerWorld::slot(Asked& asked) {
    scheduler.want_slot(asked.id, [&asked] { asked.has_slot = true; });
}

void SchedulerWorld::pass(double seconds) {
    auto const end = now + from_seconds(seconds);
    for (auto next = scheduler.next_wakeup(); next && *next <= end;
         next = scheduler.next_wakeup()) {
        now = std::max(now, *next);
        scheduler.advance(now);
    }
    now = end;
    scheduler.advance(now);
}

std::string SchedulerWorld::rows() const {
    std::string out;
    for (auto const& row : scheduler.rows()) {
        out += (out.empty() ? "" : " ") + row.model->name;
    }
    return out;
}

}  // namespace plimsoll::test
