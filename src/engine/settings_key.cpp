#include <plimsoll/base/text.hpp>
#include <plimsoll/engine/engine.hpp>

#include <spdlog/fmt/fmt.h>

#include <charconv>
#include <limits>

namespace plimsoll::engine {
namespace {

template <class T>
void add(std::string& to, std::string_view name, std::optional<T> const& value) {
    if (value) {
        to += fmt::format(" {}={}", name, static_cast<std::int64_t>(*value));
    }
}

std::optional<std::int64_t> read_number(std::string_view text) {
    std::int64_t value = 0;
    auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

bool read_count(std::int64_t value, std::uint32_t& out) {
    if (value < 0 || value > std::numeric_limits<std::uint32_t>::max()) {
        return false;
    }
    out = static_cast<std::uint32_t>(value);
    return true;
}

bool read_word(std::string_view word, core::RunnerSettings& out) {
    auto const equals = word.find('=');
    auto const value =
        equals == std::string_view::npos ? std::nullopt : read_number(word.substr(equals + 1));
    if (!value) {
        return false;
    }
    auto const name = word.substr(0, equals);
    auto& options = out.options;
    if (name == "ctx") {
        return read_count(*value, out.num_ctx);
    }
    if (name == "batch") {
        return read_count(*value, out.num_batch);
    }
    if (name == "num_gpu") {
        options.num_gpu = value;
    } else if (name == "main_gpu") {
        options.main_gpu = value;
    } else if (name == "num_thread") {
        options.num_thread = value;
    } else if (name == "draft_num_predict") {
        options.draft_num_predict = value;
    } else if (name == "use_mmap") {
        options.use_mmap = *value != 0;
    } else if (name == "shift") {
        options.shift = *value != 0;
    } else {
        return false;
    }
    return true;
}

std::optional<core::Form> read_form(std::string_view text) {
    if (text == "bare") {
        return core::Form::Bare;
    }
    if (text == "pinned") {
        return core::Form::Pinned;
    }
    return std::nullopt;
}

}  // namespace

std::string settings_key(core::Form form, core::RunnerSettings const& settings) {
    std::string text = form == core::Form::Bare     ? "bare"
                       : form == core::Form::Pinned ? "pinned"
                                                    : "unknown";
    // A bare instance has a context too, the upstream's default, and its size follows it.
    text += fmt::format(" ctx={}", settings.num_ctx);
    if (settings.num_batch != 0) {
        text += fmt::format(" batch={}", settings.num_batch);
    }
    auto const& options = settings.options;
    add(text, "num_gpu", options.num_gpu);
    add(text, "main_gpu", options.main_gpu);
    add(text, "num_thread", options.num_thread);
    add(text, "draft_num_predict", options.draft_num_predict);
    add(text, "use_mmap", options.use_mmap);
    add(text, "shift", options.shift);
    return text;
}

std::optional<std::pair<core::Form, core::RunnerSettings>> parse_settings_key(std::string_view text
) {
    auto const words = split(text, ' ');
    auto const form = words.empty() ? std::nullopt : read_form(words.front());
    if (!form) {
        return std::nullopt;
    }
    core::RunnerSettings settings;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (!read_word(words[i], settings)) {
            return std::nullopt;
        }
    }
    return std::pair(*form, settings);
}

}  // namespace plimsoll::engine
