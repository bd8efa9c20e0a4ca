#include "http/chars.hpp"

#include <plimsoll/http/head.hpp>

#include <algorithm>

namespace plimsoll::http {

namespace {

// Nearly every request: no escape, no dot, no empty segment, no slash at the end.
bool is_plain(std::string_view path) {
    char before = 0;
    for (char const c : path) {
        if (c == '/' ? before == '/' : !is(c, kPlainPath)) {
            return false;
        }
        before = c;
    }
    return path.size() == 1 || before != '/';
}

Result<std::string> percent_decode(std::string_view raw) {
    std::string out;
    out.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        char const c = raw[i];
        if (!is(c, kPathByte)) {
            return fail(
                Errc::BadRequest, "the path contains a character that must be percent-encoded"
            );
        }
        if (c != '%') {
            out += c;
            continue;
        }
        int const high = i + 2 < raw.size() ? hex_value(raw[i + 1]) : -1;
        int const low = i + 2 < raw.size() ? hex_value(raw[i + 2]) : -1;
        if (high < 0 || low < 0) {
            return fail(Errc::BadRequest, "the path contains an invalid percent escape");
        }
        int const value = high * 16 + low;
        if (value < 0x20 || value == 0x7F) {
            return fail(Errc::BadRequest, "the path contains an encoded control character");
        }
        out += static_cast<char>(value);
        i += 2;
    }
    return out;
}

// Without ".", "..", empty segments and a slash at the end. An escaped slash was decoded before,
// because for the upstream /api%2Fgenerate is /api/generate.
std::string clean(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        auto const end = std::min(path.find('/'), path.size());
        auto const segment = path.substr(0, end);
        path.remove_prefix(end);
        if (segment == "..") {
            auto const slash = out.rfind('/');
            out.resize(slash == std::string::npos ? 0 : slash);
        } else if (!segment.empty() && segment != ".") {
            out += '/';
            out += segment;
        }
    }
    return out.empty() ? std::string("/") : out;
}

// Paths of ours, unknown to the upstream, where the slash at the end belongs to the name.
constexpr std::string_view kDashboard = "/plimsoll/";

}  // namespace

Result<PathResult> canonical_path(std::string_view raw) {
    if (!raw.starts_with('/')) {
        return fail(Errc::BadRequest, "the path does not start with a slash");
    }
    if (is_plain(raw) || raw == kDashboard) {
        return PathResult{std::string(raw), std::nullopt};
    }
    auto decoded = percent_decode(raw);
    if (!decoded) {
        return fail(std::move(decoded.error()));
    }
    PathResult result{clean(*decoded), std::nullopt};
    if (result.path != *decoded) {
        result.redirect_to = encode_path(result.path);
    }
    return result;
}

std::string encode_path(std::string_view path) {
    static constexpr char kHex[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(path.size());
    for (char const c : path) {
        if (c != '%' && is(c, kPathByte)) {
            out += c;
            continue;
        }
        auto const value = static_cast<unsigned char>(c);
        out += '%';
        out += kHex[value >> 4];
        out += kHex[value & 15];
    }
    return out;
}

}  // namespace plimsoll::http
