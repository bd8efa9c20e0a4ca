#include "sim/settings.hpp"

#include "sim/memory_table.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace plimsoll::sim {

namespace {

// Which of ours an integer option sets; nullptr: none.
std::optional<std::int64_t>* integer_slot(RunnerOptions& out, std::string_view name) {
    if (name == "num_ctx") {
        return &out.num_ctx;
    }
    if (name == "num_batch") {
        return &out.num_batch;
    }
    if (name == "num_gpu") {
        return &out.num_gpu;
    }
    if (name == "main_gpu") {
        return &out.main_gpu;
    }
    if (name == "num_thread") {
        return &out.num_thread;
    }
    if (name == "draft_num_predict") {
        return &out.draft_num_predict;
    }
    if (name == "num_predict") {
        return &out.num_predict;
    }
    return nullptr;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

std::unexpected<Error> wrong_type(std::string_view name, std::string_view type) {
    return fail(
        Errc::BadRequest,
        "option \"" + std::string(name) + "\" must be of type " + std::string(type),
        ErrorSource::Client
    );
}

Result<void> apply(RunnerOptions& out, std::string_view name, Json const& value) {
    if (value.is(Json::Kind::Null)) {
        return {};
    }
    if (auto* slot = integer_slot(out, name); slot != nullptr) {
        if (!value.is(Json::Kind::Number)) {
            return wrong_type(name, "integer");
        }
        *slot = static_cast<std::int64_t>(std::clamp(value.number, -9e15, 9e15));
    } else if (name == "use_mmap") {
        if (!value.is(Json::Kind::Bool)) {
            return wrong_type(name, "boolean");
        }
        out.use_mmap = value.boolean;
    } else if (is_one_of(name, {"seed", "top_k", "num_keep", "repeat_last_n"}) &&
               !value.is(Json::Kind::Number)) {
        return wrong_type(name, "integer");
    } else if (is_one_of(
                   name,
                   {"temperature",
                    "top_p",
                    "min_p",
                    "repeat_penalty",
                    "presence_penalty",
                    "frequency_penalty",
                    "typical_p"}
               ) &&
               !value.is(Json::Kind::Number)) {
        return wrong_type(name, "float32");
    } else if (name == "stop" && !value.is(Json::Kind::Array)) {
        return wrong_type(name, "array");
    }
    return {};
}

// Go's time.ParseDuration: sign, then numbers with units. nullopt: not one; `missing_unit` tells
// why.
std::optional<double> go_duration(std::string_view text, bool& missing_unit) {
    static constexpr std::array<std::pair<std::string_view, double>, 8> kUnits{{
        {"ns", 1e-9},
        {"us", 1e-6},
        {"\xC2\xB5s", 1e-6},
        {"\xCE\xBCs", 1e-6},
        {"ms", 1e-3},
        {"s", 1},
        {"m", 60},
        {"h", 3600},
    }};
    missing_unit = false;
    double sign = 1;
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
        sign = text[0] == '-' ? -1 : 1;
        text.remove_prefix(1);
    }
    if (text == "0") {
        return 0.0;
    }
    if (text.empty()) {
        return std::nullopt;
    }
    double total = 0;
    while (!text.empty()) {
        auto const size = std::min(text.find_first_not_of("0123456789."), text.size());
        double number = 0;
        auto const parsed = std::from_chars(text.data(), text.data() + size, number);
        if (size == 0 || parsed.ec != std::errc() || parsed.ptr != text.data() + size) {
            return std::nullopt;
        }
        text.remove_prefix(size);
        auto const unit_size = std::min(text.find_first_of("0123456789."), text.size());
        auto const unit = text.substr(0, unit_size);
        if (unit.empty()) {
            missing_unit = true;
            return std::nullopt;
        }
        auto const known =
            std::ranges::find(kUnits, unit, &std::pair<std::string_view, double>::first);
        if (known == kUnits.end()) {
            return std::nullopt;
        }
        total += number * known->second;
        text.remove_prefix(unit_size);
    }
    return sign * total;
}

Duration keep_of(double seconds) {
    if (seconds < 0) {
        return kForever;
    }
    // Go's conversion overflows for huge numbers, which then mean "at once".
    constexpr double kLargest = 9.2e9;
    return seconds > kLargest ? Duration::zero() : from_seconds(seconds);
}

std::uint32_t automatic_batch(
    std::uint32_t num_ctx, Model const& model, Machine const& machine, unsigned slots
) {
    auto const effective = std::uint64_t{num_ctx} * slots;
    if (effective <= 4096) {
        return 512;
    }
    auto const free = static_cast<double>(machine.vram.count());
    auto const fits = [&](std::uint32_t batch, double limit) {
        RunnerSettings plain;
        plain.num_ctx = num_ctx;
        plain.slots = slots;
        auto const bare = static_cast<double>(own_estimate(*model.weights, plain).count());
        plain.num_batch = batch;
        auto const whole = static_cast<double>(own_estimate(*model.weights, plain).count());
        return free == 0 || (bare <= limit * free && whole <= 0.8 * free);
    };
    if (effective > 32768 && fits(2048, 0.60)) {
        return 2048;
    }
    return fits(1024, 0.75) ? 1024 : 512;
}

std::uint32_t tier(Bytes vram) {
    return vram >= gibibytes(47) ? 262144 : vram >= gibibytes(23) ? 32768 : 4096;
}

}  // namespace

Result<RunnerOptions> read_options(Json const& body, Model const& model) {
    RunnerOptions out;
    for (auto const& [name, value] : model.parameters) {
        Json json;
        if (value.is_number()) {
            json.kind = Json::Kind::Number;
            json.number = value.to_number<double>();
        } else if (value.is_bool()) {
            json.kind = Json::Kind::Bool;
            json.boolean = value.get_bool();
        } else {
            continue;
        }
        if (auto const done = apply(out, name, json); !done) {
            return fail(done.error());
        }
    }
    for (auto const* options : body.all_folded("options")) {
        for (auto const& [name, value] : options->members) {
            if (auto const done = apply(out, name, value); !done) {
                return fail(done.error());
            }
        }
    }
    if (auto const* shift = body.find_folded("shift");
        shift != nullptr && shift->is(Json::Kind::Bool)) {
        out.shift = shift->boolean;
    }
    return out;
}

RunnerSettings settle(RunnerOptions const& options, Model const& model, Machine const& machine) {
    RunnerSettings out;
    auto const& weights = *model.weights;
    bool const embedding = model.is_embedding_only();
    out.slots = embedding || weights.single_slot ? 1 : std::max(1U, machine.parallel);
    out.ctx_is_automatic = !options.num_ctx && !machine.default_ctx;
    auto wanted = options.num_ctx.value_or(machine.default_ctx.value_or(tier(machine.vram)));
    wanted = std::max<std::int64_t>(wanted, model.can("vision") ? 2048 : 4);
    out.num_ctx = static_cast<std::uint32_t>(std::min<std::int64_t>(wanted, weights.trained_ctx));
    if (options.num_batch) {
        out.num_batch =
            static_cast<std::uint32_t>(std::clamp<std::int64_t>(*options.num_batch, 1, 1 << 20));
    } else if (embedding) {
        out.num_batch = std::min(2048U, out.num_ctx);
    } else {
        out.num_batch = automatic_batch(out.num_ctx, model, machine, out.slots);
    }
    if (options.num_gpu && *options.num_gpu >= 0) {
        out.num_gpu = options.num_gpu;
    }
    out.main_gpu = options.main_gpu;
    out.num_thread = options.num_thread;
    out.draft_num_predict = options.draft_num_predict;
    out.use_mmap = options.use_mmap;
    out.shift = options.shift;
    out.projector = weights.projector ? weights.projector->blob : std::string();
    return out;
}

bool RunnerSettings::serves(RunnerSettings const& wanted) const {
    return num_ctx == wanted.num_ctx && num_batch == wanted.num_batch &&
           main_gpu == wanted.main_gpu && num_thread == wanted.num_thread &&
           draft_num_predict == wanted.draft_num_predict && use_mmap == wanted.use_mmap &&
           shift == wanted.shift && projector == wanted.projector &&
           (!wanted.num_gpu || wanted.num_gpu == num_gpu);
}

Result<std::optional<Duration>> read_keep_alive(Json const& body) {
    auto const* value = body.find_folded("keep_alive", true);
    if (value == nullptr) {
        return std::optional<Duration>();
    }
    switch (value->kind) {
        case Json::Kind::Number:
            return std::optional(keep_of(value->number));
        case Json::Kind::String: {
            bool missing_unit = false;
            auto const seconds = go_duration(value->text, missing_unit);
            if (!seconds) {
                auto const why = missing_unit ? "time: missing unit in duration \""
                                              : "time: invalid duration \"";
                return fail(Errc::BadRequest, why + value->text + "\"", ErrorSource::Client);
            }
            return std::optional(keep_of(*seconds));
        }
        case Json::Kind::Bool:
            return fail(Errc::BadRequest, "Unsupported type: 'bool'", ErrorSource::Client);
        case Json::Kind::Array:
            return fail(
                Errc::BadRequest, "Unsupported type: '[]interface {}'", ErrorSource::Client
            );
        default:
            return fail(
                Errc::BadRequest, "Unsupported type: 'map[string]interface {}'", ErrorSource::Client
            );
    }
}

}  // namespace plimsoll::sim
