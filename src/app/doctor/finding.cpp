#include "app/doctor/finding.hpp"

#include "app/doctor/checks.hpp"

#include <iterator>

namespace plimsoll::app::doctor {

std::string_view to_string(Level level) {
    switch (level) {
        case Level::Ok:
            return "ok";
        case Level::Warning:
            return "warning";
        case Level::Problem:
            return "problem";
    }
    return "";
}

Finding ok(std::string_view check, std::string text) {
    return {Level::Ok, std::string(check), std::move(text), {}};
}

Finding warning(std::string_view check, std::string text, std::string fix) {
    return {Level::Warning, std::string(check), std::move(text), std::move(fix)};
}

Finding problem(std::string_view check, std::string text, std::string fix) {
    return {Level::Problem, std::string(check), std::move(text), std::move(fix)};
}

Findings check_all(Facts const& facts) {
    Findings out;
    for (auto* check :
         {&check_config,         &check_daemon,
          &check_upstreams,      static_cast<Findings (*)(Facts const&)>(&check_environment),
          &check_foreign_models, &check_driver,
          &check_budget,         &check_card_users,
          &check_swap,           &check_ports,
          &check_exposure,       &check_bypass,
          &check_clients,        &check_state_file,
          &check_disk,           &check_files,
          &check_certificate,    &check_file_limit,
          &check_clock,          &check_units}) {
        auto found = check(facts);
        out.insert(
            out.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end())
        );
    }
    return out;
}

}  // namespace plimsoll::app::doctor
