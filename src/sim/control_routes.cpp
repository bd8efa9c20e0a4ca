// /sim/v1: what tests steer the simulator with. Never touched by faults.
#include "sim/json.hpp"
#include "sim/routes.hpp"

#include <boost/json/array.hpp>

namespace plimsoll::sim {

net::Task<void> serve_get_faults(Session& session, std::string_view) {
    co_await session.json(200, boost::json::object{{"faults", session.world().faults.to_json()}});
}

net::Task<void> serve_set_faults(Session& session, std::string_view body) {
    auto& world = session.world();
    auto const json = read_json(body);
    if (!json) {
        co_await session.error(400, json.error().message);
        co_return;
    }
    auto const set = world.faults.add(*json);
    if (!set) {
        co_await session.error(400, set.error().message);
        co_return;
    }
    // Answered first: a restart breaks every connection, this one too.
    co_await session.json(200, boost::json::object{{"faults", world.faults.to_json()}});
    for (auto const& fault : *set) {
        if (fault.kind == FaultKind::Restart) {
            world.sessions.erase(&session);
            world.restart(fault.delay);
        }
    }
}

net::Task<void> serve_clear_faults(Session& session, std::string_view) {
    session.world().faults.clear();
    co_await session.json(200, boost::json::object{{"faults", boost::json::array()}});
}

net::Task<void> serve_books(Session& session, std::string_view) {
    auto& world = session.world();
    world.books.count.faults = world.faults.struck();
    auto out = world.books.to_json();
    out["is_simulated"] = true;
    co_await session.json(200, out);
}

net::Task<void> serve_reset_books(Session& session, std::string_view body) {
    session.world().books.reset();
    co_await serve_books(session, body);
}

net::Task<void> serve_reset(Session& session, std::string_view body) {
    session.world().sessions.erase(&session);
    session.world().reset();
    co_await serve_books(session, body);
}

}  // namespace plimsoll::sim
