#include "sim/faults.hpp"

#include "sim/catalogue.hpp"
#include "sim/catalogue_check.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <array>

namespace plimsoll::sim {

namespace {

constexpr std::array<std::pair<FaultKind, std::string_view>, 16> kNames{{
    {FaultKind::Refuse, "refuse"},
    {FaultKind::Hang, "hang"},
    {FaultKind::DieMidStream, "die_mid_stream"},
    {FaultKind::Crash, "crash"},
    {FaultKind::Load500, "load_500"},
    {FaultKind::Oom, "oom"},
    {FaultKind::IgnoreUnload, "ignore_unload"},
    {FaultKind::PsLag, "ps_lag"},
    {FaultKind::PsOmit, "ps_omit"},
    {FaultKind::PsGhost, "ps_ghost"},
    {FaultKind::PsWrongSize, "ps_wrong_size"},
    {FaultKind::SlowDrip, "slow_drip"},
    {FaultKind::OneByteSegments, "one_byte_segments"},
    {FaultKind::Garbage, "garbage"},
    {FaultKind::Busy503, "busy_503"},
    {FaultKind::Restart, "restart"},
}};

constexpr std::int64_t kMaxLagMs = 5000;

Duration milliseconds_of(double ms) {
    return from_seconds(ms / 1000);
}

double number_of(
    Place const& at, std::string_view name, double otherwise, double least, double most
) {
    auto const found = at.member(name, Json::Kind::Number, false);
    if (!found) {
        return otherwise;
    }
    if (found->json->number < least || found->json->number > most) {
        at.wrong(name, "must be between " + std::to_string(least) + " and " + std::to_string(most));
    }
    return found->json->number;
}

Fault read_fault(Place const& at) {
    at.only(
        {"kind",
         "model",
         "path",
         "count",
         "probability",
         "delay_ms",
         "after",
         "ms",
         "factor",
         "during"}
    );
    Fault out;
    auto const kind = at.text("kind");
    auto const known =
        std::ranges::find(kNames, kind, &std::pair<FaultKind, std::string_view>::second);
    if (known == kNames.end()) {
        std::vector<std::string_view> names;
        std::string all;
        for (auto const& [value, name] : kNames) {
            names.push_back(name);
            all += (all.empty() ? "" : ", ") + std::string(name);
        }
        at.wrong("kind", "is \"" + kind + "\"; known kinds: " + all);
        return out;
    }
    out.kind = known->first;
    out.shown_model = at.text("model", "");
    out.model = out.shown_model.empty() ? std::string() : key_of(out.shown_model);
    out.path = at.text("path", "");
    out.count = static_cast<std::int64_t>(number_of(at, "count", 1, -1, 1e12));
    out.probability = number_of(at, "probability", 1, 0, 1);
    out.delay = milliseconds_of(number_of(at, "delay_ms", 0, 0, 3.6e6));
    out.after = static_cast<std::int64_t>(number_of(at, "after", 3, 0, 1e9));
    out.lag = milliseconds_of(number_of(at, "ms", 1000, 0, kMaxLagMs));
    out.factor = number_of(at, "factor", 0.5, 0, 1000);
    out.during_request = at.text("during", "load") == "request";
    return out;
}

double chance(std::uint64_t& state) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state >> 11U) / 9007199254740992.0;
}

}  // namespace

std::string_view to_string(FaultKind kind) {
    return std::ranges::find(kNames, kind, &std::pair<FaultKind, std::string_view>::first)->second;
}

Result<std::vector<Fault>> Faults::add(Json const& body) {
    Complaints complaints("faults");
    Place const root(complaints, body, "");
    std::vector<Fault> read;
    if (body.is(Json::Kind::Array)) {
        for (std::size_t i = 0; i < body.items.size(); ++i) {
            read.push_back(read_fault(root.item(i)));
        }
    } else {
        read.push_back(read_fault(root));
    }
    if (!complaints.first.empty()) {
        return fail(Errc::BadRequest, complaints.first, ErrorSource::Client);
    }
    for (auto const& fault : read) {
        if (fault.kind != FaultKind::Restart) {
            faults_.push_back(fault);
        }
    }
    return read;
}

boost::json::array Faults::to_json() const {
    boost::json::array out;
    for (auto const& fault : faults_) {
        out.push_back(boost::json::object{
            {"kind", to_string(fault.kind)},
            {"model", fault.shown_model},
            {"path", fault.path},
            {"count", fault.count},
            {"probability", fault.probability},
            {"delay_ms", to_seconds(fault.delay) * 1000},
            {"after", fault.after},
            {"ms", to_seconds(fault.lag) * 1000},
            {"factor", fault.factor},
            {"during", fault.during_request ? "request" : "load"},
        });
    }
    return out;
}

std::optional<Fault> Faults::strike(
    FaultKind kind, std::string_view path, std::string_view model_key, bool is_usual
) {
    for (auto it = faults_.begin(); it != faults_.end(); ++it) {
        bool const concerns = it->kind == kind &&
                              (it->path.empty() ? is_usual : it->path == path) &&
                              (it->model.empty() || it->model == model_key);
        if (!concerns || (it->probability < 1 && chance(state_) >= it->probability)) {
            continue;
        }
        auto const out = *it;
        ++struck_;
        if (it->count > 0 && --it->count == 0) {
            faults_.erase(it);
        }
        return out;
    }
    return std::nullopt;
}

bool Faults::omits_row(std::string const& model_key) {
    if (omitted_.erase(model_key) != 0) {
        return false;
    }
    bool const omits = strike(FaultKind::PsOmit, "/api/ps", model_key).has_value();
    if (omits) {
        omitted_.insert(model_key);
    }
    return omits;
}

}  // namespace plimsoll::sim
