#include "upstream/modelfile.hpp"

#include <plimsoll/base/text.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace plimsoll::upstream {
namespace {

constexpr std::size_t kHashLength = 64;

bool is_hex(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
}

std::optional<std::int64_t> read_integer(std::string_view text) {
    double value = 0;
    auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc{} || !std::isfinite(value) || std::abs(value) > 9e15) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(value);
}

std::optional<std::uint32_t> read_count(std::string_view text) {
    auto const value = read_integer(text);
    if (!value) {
        return std::nullopt;
    }
    // Zero and negatives are clamped upwards by whoever uses the context, as the upstream does.
    constexpr std::int64_t kMax = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(*value, 0, kMax));
}

void read_line(std::string_view key, std::string_view value, ModelParameters& out) {
    if (key == "num_ctx") {
        out.num_ctx = read_count(value);
    } else if (key == "num_batch") {
        out.num_batch = read_count(value);
    } else if (key == "num_gpu") {
        out.options.num_gpu = read_integer(value);
    } else if (key == "main_gpu") {
        out.options.main_gpu = read_integer(value);
    } else if (key == "num_thread") {
        out.options.num_thread = read_integer(value);
    } else if (key == "draft_num_predict") {
        out.options.draft_num_predict = read_integer(value);
    } else if (key == "use_mmap") {
        out.options.use_mmap = value == "true";
    }
}

}  // namespace

std::string weights_of_modelfile(std::string_view modelfile) {
    for (std::string_view line : split(modelfile, '\n')) {
        line = trim(line);
        if (!istarts_with(line, "FROM ")) {
            continue;
        }
        auto const at = line.rfind("sha256-");
        auto const hash = at == std::string_view::npos ? std::string_view{} : line.substr(at + 7);
        if (hash.size() == kHashLength && is_hex(hash)) {
            return to_lower(hash);
        }
        return {};
    }
    return {};
}

ModelParameters read_parameters(std::string_view text) {
    ModelParameters out;
    for (std::string_view line : split(text, '\n')) {
        line = trim(line);
        auto const blank = line.find(' ');
        if (blank != std::string_view::npos) {
            read_line(line.substr(0, blank), trim(line.substr(blank)), out);
        }
    }
    return out;
}

}  // namespace plimsoll::upstream
