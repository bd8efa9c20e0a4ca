#include "proxy/option_check.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>

namespace plimsoll::proxy {
namespace {

using Kind = http::RawValue::Kind;

enum class Type : std::uint8_t { Integer, Float, Boolean, Strings };

struct Known {
    std::string_view name;
    Type type;
};

constexpr std::array kKnown{
    Known{"num_ctx", Type::Integer},
    Known{"num_batch", Type::Integer},
    Known{"num_gpu", Type::Integer},
    Known{"main_gpu", Type::Integer},
    Known{"num_thread", Type::Integer},
    Known{"draft_num_predict", Type::Integer},
    Known{"num_keep", Type::Integer},
    Known{"seed", Type::Integer},
    Known{"num_predict", Type::Integer},
    Known{"top_k", Type::Integer},
    Known{"repeat_last_n", Type::Integer},
    Known{"top_p", Type::Float},
    Known{"min_p", Type::Float},
    Known{"typical_p", Type::Float},
    Known{"temperature", Type::Float},
    Known{"repeat_penalty", Type::Float},
    Known{"presence_penalty", Type::Float},
    Known{"frequency_penalty", Type::Float},
    Known{"use_mmap", Type::Boolean},
    Known{"stop", Type::Strings},
};

std::optional<ClientError> check_type(http::Member const& option) {
    auto const known = std::ranges::find(kKnown, option.name, &Known::name);
    if (known == kKnown.end() || option.value.kind == Kind::Null) {
        return std::nullopt;  // unknown options are ignored by the upstream, null counts as absent
    }
    auto const wrong = [&](std::string_view type) {
        return ClientError{500, fmt::format("option \"{}\" must be of type {}", option.name, type)};
    };
    switch (known->type) {
        case Type::Integer:
            return option.value.kind == Kind::Number ? std::nullopt
                                                     : std::optional(wrong("integer"));
        case Type::Float:
            return option.value.kind == Kind::Number ? std::nullopt
                                                     : std::optional(wrong("float32"));
        case Type::Boolean:
            return option.value.kind == Kind::Bool ? std::nullopt : std::optional(wrong("boolean"));
        case Type::Strings:
            return option.value.kind == Kind::Array ? std::nullopt : std::optional(wrong("array"));
    }
    return std::nullopt;
}

bool is_cut(http::Member const& option, std::vector<std::string> const& rules) {
    return std::ranges::any_of(rules, [&](std::string_view rule) {
        auto const equals = rule.find('=');
        if (equals == std::string_view::npos) {
            return rule == option.name;
        }
        return rule.substr(0, equals) == option.name &&
               rule.substr(equals + 1) == option.value.text;
    });
}

std::optional<std::int64_t>* integer_slot(AskedOptions& asked, std::string_view name) {
    if (name == "num_ctx") {
        return &asked.num_ctx;
    }
    if (name == "num_batch") {
        return &asked.num_batch;
    }
    if (name == "num_gpu") {
        return &asked.options.num_gpu;
    }
    if (name == "main_gpu") {
        return &asked.options.main_gpu;
    }
    if (name == "num_thread") {
        return &asked.options.num_thread;
    }
    return name == "draft_num_predict" ? &asked.options.draft_num_predict : nullptr;
}

}  // namespace

Checked<AskedOptions> read_options(
    http::BodyMembers const& members, std::vector<std::string> const& cut_options
) {
    AskedOptions asked;
    for (auto const& option : members.option_members) {
        if (auto wrong = check_type(option)) {
            return std::unexpected(std::move(*wrong));
        }
        if (option.value.kind == Kind::Null) {
            continue;
        }
        auto* const slot = integer_slot(asked, option.name);
        bool const is_mmap = option.name == "use_mmap";
        if (slot == nullptr && !is_mmap) {
            continue;
        }
        if (is_cut(option, cut_options)) {
            asked.cut.push_back(fmt::format("{} cut (asked {})", option.name, option.value.text));
            continue;
        }
        if (is_mmap) {
            asked.options.use_mmap = option.value.text == "true";
            continue;
        }
        auto number = http::parse_integer_option(option.name, option.value);
        if (!number) {
            return refuse(500, number.error().message);
        }
        *slot = *number;
    }
    if (members.shift && members.shift->value.kind == Kind::Bool) {
        if (is_cut(*members.shift, cut_options)) {
            asked.cut.push_back(fmt::format("shift cut (asked {})", members.shift->value.text));
        } else {
            asked.options.shift = members.shift->value.text == "true";
        }
    }
    return asked;
}

}  // namespace plimsoll::proxy
