#include "app/doctor/checks.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace plimsoll::app::doctor {
namespace {

Bytes total_of(std::vector<probe::Card> const& cards) {
    Bytes total;
    for (auto const& card : cards) {
        total += card.total;
    }
    return total;
}

std::string name_of(probe::Card const& card) {
    return printable(card.name.empty() ? card.id : card.name, 80);
}

Finding judge_budget(UpstreamFacts const& upstream, DeviceFacts const& device) {
    auto const said = upstream.name + ": budget " + format_bytes(upstream.budget);
    if (!upstream.is_local) {
        return ok("budget", said + "; the cards are on another machine and cannot be compared");
    }
    if (device.cards.empty()) {
        if (!upstream.budget_warning.empty()) {
            return warning(
                "budget",
                upstream.name + ": " + upstream.budget_warning,
                "set upstream.budget to what the card has, less 1 GiB"
            );
        }
        return ok("budget", said + "; no driver tells what the cards have");
    }
    auto const total = total_of(device.cards);
    auto const cards = device.cards.size();
    auto const spare = Bytes(config::kFitMargin.count() * cards);
    auto const of = fmt::format("{} of {} on {} card(s)", said, format_bytes(total), cards);
    auto const fix = "set upstream.budget = \"auto\", or at most " + format_bytes(total - spare);
    if (upstream.budget > total) {
        return problem("budget", of + ": more than there is, so loads will fail", fix);
    }
    if (!upstream.budget_warning.empty()) {
        return warning("budget", upstream.name + ": " + upstream.budget_warning, fix);
    }
    if (total - upstream.budget < spare) {
        return warning(
            "budget",
            fmt::format(
                "{}: {} stay free, but the runner wants {} on each card, or the last model falls "
                "to the CPU in part",
                of,
                format_bytes(total - upstream.budget),
                format_bytes(config::kFitMargin)
            ),
            fix
        );
    }
    if (upstream.over_budget) {
        return warning(
            "budget",
            of + ": more is in memory than the budget; Plimsoll is making room",
            "see `plimsoll ps` for what is there, and `plimsoll queue` for what waits"
        );
    }
    return ok("budget", of + fmt::format(", {} stay free", format_bytes(total - upstream.budget)));
}

}  // namespace

Findings check_driver(Facts const& facts) {
    auto const& device = facts.device;
    bool const is_needed =
        std::ranges::any_of(facts.upstreams, [](auto const& one) { return one.is_local; });
    if (!device.problem.empty()) {
        return {warning(
            "driver",
            "a GPU's driver is there, but does not tell its memory: " + device.problem,
            "look at `nvidia-smi` or `dmesg`; until it works set upstream.budget in bytes"
        )};
    }
    if (device.cards.empty()) {
        auto const text = fmt::format(
            "no driver tells of a card: neither {} nor the files under {}",
            facts.config.config.nvml_library.empty() ? "NVML" : facts.config.config.nvml_library,
            facts.config.config.drm_folder.empty() ? "/sys/class/drm"
                                                   : facts.config.config.drm_folder
        );
        return {ok("driver", text + (is_needed ? "" : "; all upstreams are on other machines"))};
    }
    Findings out;
    for (auto const& card : device.cards) {
        out.push_back(
            ok("driver",
               fmt::format(
                   "{}: {}, {} in use ({})",
                   name_of(card),
                   format_bytes(card.total),
                   format_bytes(card.used),
                   device.source
               ))
        );
    }
    return out;
}

Findings check_budget(Facts const& facts) {
    Findings out;
    for (auto const& upstream : facts.upstreams) {
        out.push_back(judge_budget(upstream, facts.device));
    }
    return out;
}

Findings check_card_users(Facts const& facts) {
    auto const& device = facts.device;
    if (device.cards.empty()) {
        return {};
    }
    if (!device.processes_problem.empty()) {
        return {ok("card users", "not known: " + device.processes_problem)};
    }
    Bytes others;
    std::string names;
    for (auto const& one : device.processes) {
        if (!one.is_of_server) {
            others += one.process.used;
            names += fmt::format(
                "{}{} (process {}, {})",
                names.empty() ? "" : ", ",
                one.command.empty() ? "a program" : printable(one.command, 60),
                one.process.pid,
                one.process.used.is_zero() ? "size unknown" : format_bytes(one.process.used)
            );
        }
    }
    if (names.empty()) {
        return {ok("card users", "no program but the model server uses the cards")};
    }
    Bytes budget;
    for (auto const& upstream : facts.upstreams) {
        budget += upstream.is_local ? upstream.budget : Bytes();
    }
    auto const total = total_of(device.cards);
    auto const text = fmt::format("{} in use by others: {}", format_bytes(others), names);
    if (budget + others > total) {
        return {warning(
            "card users",
            fmt::format(
                "{}; with the budget of {} that is more than the {} of the cards",
                text,
                format_bytes(budget),
                format_bytes(total)
            ),
            fmt::format(
                "set upstream.reserve to {} or more, or end those programs", format_bytes(others)
            )
        )};
    }
    return {ok("card users", text)};
}

Findings check_swap(Facts const& facts) {
    auto const& host = facts.host;
    if (!host.server_swap.is_zero()) {
        return {warning(
            "swap",
            fmt::format(
                "{} of the model server's memory are swapped out", format_bytes(host.server_swap)
            ),
            "free memory of the host, or give models less of it: parts on the CPU become very slow"
        )};
    }
    if (host.swap_total.is_zero()) {
        return {ok("swap", "none in use: the host has no swap space")};
    }
    bool const is_full = host.swap_used.count() > host.swap_total.count() / 2;
    auto const text = fmt::format(
        "{} of {} in use, none of it of the model server",
        format_bytes(host.swap_used),
        format_bytes(host.swap_total)
    );
    if (is_full) {
        return {warning("swap", text, "see what takes the host's memory: loads read slowly then")};
    }
    return {ok("swap", text)};
}

}  // namespace plimsoll::app::doctor
