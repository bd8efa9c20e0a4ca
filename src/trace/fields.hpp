#pragma once
// The members of every type that stands in a recording, once, for writing and for reading. Each
// structured binding names all members, so one that is added to core and not here does not compile;
// nor does an event or action without a kind. A member that old recordings lack is given with
// later(): it keeps its default when they are read.

#include <plimsoll/core/action.hpp>
#include <plimsoll/core/event.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>

namespace plimsoll::trace {

template <class T, class U>
concept Is = std::same_as<std::remove_const_t<T>, U>;

void members(auto& v, Is<core::RunnerOptions> auto& x) {
    auto& [num_gpu, main_gpu, num_thread, draft_num_predict, use_mmap, shift] = x;
    v("num_gpu", num_gpu)("main_gpu", main_gpu)("num_thread", num_thread);
    v("draft_num_predict", draft_num_predict)("use_mmap", use_mmap)("shift", shift);
}

void members(auto& v, Is<core::RunnerSettings> auto& x) {
    auto& [num_ctx, num_batch, options] = x;
    v("num_ctx", num_ctx)("num_batch", num_batch)("options", options);
}

void members(auto& v, Is<core::Demand> auto& x) {
    auto& [weights, model, form, settings, has_own_ctx, charge, estimate, load_time, unload_time, answer_time] =
        x;
    v("weights", weights)("model", model)("form", form)("settings", settings);
    v("has_own_ctx", has_own_ctx)("charge", charge)("upstream_estimate", estimate);
    v("load_time", load_time)("unload_time", unload_time)("answer_time", answer_time);
}

void members(auto& v, Is<core::KeepAlive> auto& x) {
    auto& [kind, duration] = x;
    v("kind", kind).any("duration", duration);
}

void members(auto& v, Is<core::Ticket> auto& x) {
    auto& [id, client, priority, demand, body, keep_alive, deadline] = x;
    v("id", id).client("client", client)("priority", priority)("demand", demand)("body", body);
    v("keep_alive", keep_alive)("deadline", deadline);
}

void members(auto& v, Is<core::Row> auto& x) {
    auto& [weights, model, size, size_vram, num_ctx, known_form, known_settings, predicted, cards] =
        x;
    v("weights", weights)("model", model)("size", size)("size_vram", size_vram);
    v("num_ctx", num_ctx)("known_form", known_form)("known_settings", known_settings);
    v("predicted", predicted).later("cards", cards);
}

void members(auto& v, Is<core::Card> auto& x) {
    auto& [budget, total, others] = x;
    v("budget", budget)("total", total)("others", others);
}

void members(auto& v, Is<core::SchedulerConfig> auto& x) {
    auto& [budget, cards, device_total, max_loaded_models, parallel, queue_limit, queue_bytes, patience, quantum_factor, default_keep_alive, keep_forever, auto_unload, max_linger, unload_timeout, aborted_load_grace, bar_first, bar_last] =
        x;
    v("budget", budget).later("cards", cards);
    v("device_total", device_total)("max_loaded_models", max_loaded_models);
    v("parallel", parallel)("queue_limit", queue_limit)("queue_bytes", queue_bytes);
    v("patience", patience)("quantum_factor", quantum_factor);
    v("default_keep_alive", default_keep_alive)("keep_forever", keep_forever);
    v("auto_unload", auto_unload)("max_linger", max_linger)("unload_timeout", unload_timeout);
    v("aborted_load_grace", aborted_load_grace)("bar_first", bar_first)("bar_last", bar_last);
}

// Events.

void members(auto& v, Is<core::TicketArrived> auto& x) {
    auto& [ticket] = x;
    v("ticket", ticket);
}

void members(auto& v, Is<core::TicketCancelled> auto& x) {
    auto& [ticket] = x;
    v("ticket", ticket);
}

void members(auto& v, Is<core::TicketEnded> auto& x) {
    auto& [ticket, outcome] = x;
    v("ticket", ticket)("outcome", outcome);
}

void members(auto& v, Is<core::LoadSucceeded> auto& x) {
    auto& [instance, size, size_vram, num_ctx, took, charge] = x;
    v("instance", instance)("size", size)("size_vram", size_vram)("num_ctx", num_ctx);
    v("took", took)("charge", charge);
}

void members(auto& v, Is<core::Placed> auto& x) {
    auto& [instance, most, is_certain] = x;
    v("instance", instance)("most", most)("is_certain", is_certain);
}

void members(auto& v, Is<core::LoadFailed> auto& x) {
    auto& [instance, failure, text] = x;
    v("instance", instance)("failure", failure)("text", text);
}

void members(auto& v, Is<core::UnloadFailed> auto& x) {
    auto& [instance, text] = x;
    v("instance", instance)("text", text);
}

void members(auto& v, Is<core::Observed> auto& x) {
    auto& [rows, asked] = x;
    v("rows", rows)("asked", asked);
}

void members(auto& v, Is<core::UpstreamDown> auto& x) {
    auto& [text] = x;
    v("text", text);
}

void members(auto& v, Is<core::UpstreamUp> auto& x) {
    auto& [restarted] = x;
    v("restarted", restarted);
}

void members(auto& v, Is<core::KeepAliveWished> auto& x) {
    auto& [client, weights, keep_alive] = x;
    v.client("client", client)("weights", weights)("keep_alive", keep_alive);
}

void members(auto& v, Is<core::UnloadRequested> auto& x) {
    auto& [weights] = x;
    v("weights", weights);
}

void members(auto& v, Is<core::PinSet> auto& x) {
    auto& [demand, owner, until] = x;
    v("demand", demand).client("owner", owner)("until", until);
}

void members(auto& v, Is<core::PinCleared> auto& x) {
    auto& [weights] = x;
    v("weights", weights);
}

void members(auto& v, Is<core::UseAnnounced> auto& x) {
    auto& [announcement, demand, expected] = x;
    v("announcement", announcement)("demand", demand)("expected", expected);
}

void members(auto& v, Is<core::UseWithdrawn> auto& x) {
    auto& [announcement] = x;
    v("announcement", announcement);
}

void members(auto& v, Is<core::CleanupRequested> auto& x) {
    auto& [weights] = x;
    v.later("weights", weights);
}

void members(auto& v, Is<core::ConfigChanged> auto& x) {
    auto& [config] = x;
    v("config", config);
}

void members(auto&, Is<core::TimePassed> auto&) {}

// Actions.

void members(auto& v, Is<core::Observe> auto& x) {
    auto& [reason] = x;
    v("reason", reason);
}

void members(auto& v, Is<core::Load> auto& x) {
    auto& [instance, demand, reason] = x;
    v("instance", instance)("demand", demand)("reason", reason);
}

void members(auto& v, Is<core::AbortLoad> auto& x) {
    auto& [instance, reason] = x;
    v("instance", instance)("reason", reason);
}

void members(auto& v, Is<core::Unload> auto& x) {
    auto& [instance, model, weights, attempt, reason] = x;
    v("instance", instance)("model", model)("weights", weights)("attempt", attempt);
    v("reason", reason);
}

void members(auto& v, Is<core::Dispatch> auto& x) {
    auto& [ticket, instance, form, settings, waited, position, reason] = x;
    v("ticket", ticket)("instance", instance)("form", form)("settings", settings);
    v("waited", waited)("position", position)("reason", reason);
}

void members(auto& v, Is<core::Refuse> auto& x) {
    auto& [ticket, kind, retry_after, reason] = x;
    v("ticket", ticket)("why", kind)("retry_after", retry_after)("reason", reason);
}

void members(auto& v, Is<core::Notice> auto& x) {
    auto& [level, text] = x;
    v("level", level)("text", text);
}

// clang-format off
template <class T> struct Kind;  // no definition: an event or action without a name
template <> struct Kind<core::TicketArrived> { static constexpr std::string_view name = "arrived"; };
template <> struct Kind<core::TicketCancelled> { static constexpr std::string_view name = "cancelled"; };
template <> struct Kind<core::TicketEnded> { static constexpr std::string_view name = "ended"; };
template <> struct Kind<core::LoadSucceeded> { static constexpr std::string_view name = "loaded"; };
template <> struct Kind<core::Placed> { static constexpr std::string_view name = "placed"; };
template <> struct Kind<core::LoadFailed> { static constexpr std::string_view name = "load_failed"; };
template <> struct Kind<core::UnloadFailed> { static constexpr std::string_view name = "unload_failed"; };
template <> struct Kind<core::Observed> { static constexpr std::string_view name = "observed"; };
template <> struct Kind<core::UpstreamDown> { static constexpr std::string_view name = "down"; };
template <> struct Kind<core::UpstreamUp> { static constexpr std::string_view name = "up"; };
template <> struct Kind<core::KeepAliveWished> { static constexpr std::string_view name = "wish"; };
template <> struct Kind<core::UnloadRequested> { static constexpr std::string_view name = "unload_asked"; };
template <> struct Kind<core::PinSet> { static constexpr std::string_view name = "pin"; };
template <> struct Kind<core::PinCleared> { static constexpr std::string_view name = "unpin"; };
template <> struct Kind<core::UseAnnounced> { static constexpr std::string_view name = "announced"; };
template <> struct Kind<core::UseWithdrawn> { static constexpr std::string_view name = "withdrawn"; };
template <> struct Kind<core::CleanupRequested> { static constexpr std::string_view name = "cleanup"; };
template <> struct Kind<core::ConfigChanged> { static constexpr std::string_view name = "config"; };
template <> struct Kind<core::TimePassed> { static constexpr std::string_view name = "time"; };
template <> struct Kind<core::Observe> { static constexpr std::string_view name = "observe"; };
template <> struct Kind<core::Load> { static constexpr std::string_view name = "load"; };
template <> struct Kind<core::AbortLoad> { static constexpr std::string_view name = "abort"; };
template <> struct Kind<core::Unload> { static constexpr std::string_view name = "unload"; };
template <> struct Kind<core::Dispatch> { static constexpr std::string_view name = "dispatch"; };
template <> struct Kind<core::Refuse> { static constexpr std::string_view name = "refuse"; };
template <> struct Kind<core::Notice> { static constexpr std::string_view name = "notice"; };

// clang-format on

}  // namespace plimsoll::trace
