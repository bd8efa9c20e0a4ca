#pragma once
// A number for everything that a scheduler decided, shows and foresees, sentences left out: two
// runs with equal numbers behaved the same. FNV-1a, the same on every machine.

#include <plimsoll/core/forecast.hpp>
#include <plimsoll/core/snapshot.hpp>

#include "trace/fields.hpp"

#include <bit>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace plimsoll::test {

class Digest {
  public:
    [[nodiscard]] std::uint64_t value() const { return value_; }

    // The visitor of trace/fields.hpp.
    Digest& operator()(std::string_view name, auto const& value) {
        if (name != "reason" && name != "text") {
            add(value);
        }
        return *this;
    }

    Digest& client(std::string_view, std::string const& value) {
        add(value);
        return *this;
    }

    Digest& any(std::string_view, auto const& value) {
        add(value);
        return *this;
    }

    Digest& later(std::string_view, auto const& value) {
        add(value);
        return *this;
    }

    void add(core::Action const& action) {
        mix(action.index());
        std::visit([this](auto const& each) { trace::members(*this, each); }, action);
    }

    void add(core::Snapshot const& s) {
        auto const& [budget, charged, peak, by_card, up, over, instances, waiting, pins, counters, longest, bound] =
            s;
        add_all(budget, charged, peak, by_card, up, over, longest, bound);
        mix(instances.size());
        for (auto const& each : instances) {
            auto const& [id, weights, model, state, form, settings, charge, predicted, measured, estimate, vram, cards, is_placed, leases, pinned, foreign, active, since, loaded, used, took, expires, wanted] =
                each;
            add_all(
                id,
                weights,
                model,
                state,
                form,
                settings,
                charge,
                predicted,
                measured,
                estimate,
                vram,
                cards,
                is_placed,
                leases
            );
            add_all(pinned, foreign, active, since, loaded, used, took, expires, wanted);
        }
        mix(waiting.size());
        for (auto const& each : waiting) {
            auto const& [id, model, weights, client, priority, waited, overdue, debt, position, why] =
                each;
            add_all(id, model, weights, client, priority, waited, overdue, debt, position);
        }
        mix(pins.size());
        for (auto const& each : pins) {
            auto const& [weights, model, owner, until, charge] = each;
            add_all(weights, model, owner, until, charge);
        }
        auto const& [tickets, dispatched, refused, cancelled, loads, load_failures, aborted, unloads, evictions, expirations, reloads, foreign, suspects, violations] =
            counters;
        add_all(
            tickets,
            dispatched,
            refused,
            cancelled,
            loads,
            load_failures,
            aborted,
            unloads,
            evictions
        );
        add_all(expirations, reloads, foreign, suspects, violations);
    }

    void add(core::Forecast const& f) {
        std::map<core::TicketId, Duration> const waits(f.waits.begin(), f.waits.end());
        mix(waits.size());
        for (auto const& [ticket, wait] : waits) {
            add_all(ticket, wait);
        }
        mix(f.steps.size());
        for (auto const& step : f.steps) {
            add_all(step.kind, step.in, step.model, step.bytes);
        }
        add_all(f.wait, f.refusal, f.retry_after);
    }

  private:
    template <class... T>
    void add_all(T const&... values) {
        (add(values), ...);
    }

    template <class T>
        requires std::is_integral_v<T> || std::is_enum_v<T>
    void add(T value) {
        mix(static_cast<std::uint64_t>(value));
    }

    void add(double value) { mix(std::bit_cast<std::uint64_t>(value)); }

    void add(std::string const& text) {
        mix(text.size());
        for (char const c : text) {
            mix_byte(static_cast<unsigned char>(c));
        }
    }

    void add(Bytes value) { mix(value.count()); }

    void add(Duration value) { mix(static_cast<std::uint64_t>(value.count())); }

    void add(TimePoint value) { add(value.time_since_epoch()); }

    void add(core::PerCard const& cards) {
        mix(cards.size());
        for (Bytes const each : cards) {
            add(each);
        }
    }

    template <class T>
    void add(std::optional<T> const& value) {
        mix(value ? 1 : 0);
        if (value) {
            add(*value);
        }
    }

    // Structs that trace/fields.hpp knows.
    template <class T>
        requires requires(Digest& d, T const& x) { trace::members(d, x); }
    void add(T const& value) {
        trace::members(*this, value);
    }

    void mix(std::uint64_t value) {
        for (int i = 0; i < 8; ++i) {
            mix_byte(static_cast<unsigned char>(value >> (8 * i)));
        }
    }

    void mix_byte(unsigned char byte) { value_ = (value_ ^ byte) * 1099511628211ULL; }

    std::uint64_t value_ = 1469598103934665603ULL;
};

}  // namespace plimsoll::test
