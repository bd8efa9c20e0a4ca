// The dashboard's files.

#include "control/impl.hpp"
#include "control/page.hpp"

#include <plimsoll/base/text.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <utility>

namespace plimsoll::control {
namespace {

constexpr std::string_view kIndex = "index.html";
constexpr std::size_t kTagDigits = 32;  // of 64: as good as all of them to tell versions apart

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTypes{{
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
}};

// Nothing but our own files, nothing inline, no frames around us, nobody else's window beside us.
constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kGuards{{
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
     "base-uri 'none'; "
     "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
     "trusted-types 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Permissions-Policy",
     "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
     "microphone=(), midi=(), "
     "payment=(), usb=()"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"X-Frame-Options", "DENY"},
    {"Cache-Control", "no-cache"
    },  // kept, and asked for again each time: a 304 where nothing changed
}};

std::string_view type_of(std::string_view name) {
    auto const found =
        std::ranges::find_if(kTypes, [&](auto const& type) { return name.ends_with(type.first); });
    return found == kTypes.end() ? "application/octet-stream" : found->second;
}

bool names_tag(std::string_view field, std::string_view tag) {
    return std::ranges::any_of(split(field, ','), [&](std::string_view part) {
        part = trim(part);
        if (part.starts_with("W/")) {
            part.remove_prefix(2);
        }
        return part == tag || part == "*";
    });
}

}  // namespace

std::optional<http::Reply> page_reply(std::string_view name, http::Fields const& request) {
    auto const files = page_files();
    auto const file = std::ranges::find(files, name, &EmbeddedFile::name);
    if (file == files.end()) {
        return std::nullopt;
    }
    http::Reply reply;
    for (auto const& [field, value] : kGuards) {
        reply.fields.add(field, value);
    }
    auto const tag = fmt::format("\"{}\"", file->sha256.substr(0, kTagDigits));
    reply.fields.add("ETag", tag);
    if (names_tag(request.get("If-None-Match").value_or(""), tag)) {
        reply.status = 304;
        return reply;
    }
    reply.fields.add("Content-Type", type_of(name));
    reply.body = file->bytes;
    return reply;
}

net::Task<void> Control::Impl::page(net::Exchange& exchange) {
    auto const& head = exchange.head();
    auto const is_index = head.path == "/plimsoll/";
    auto reply = page_reply(is_index ? std::string(kIndex) : segment(exchange, 2), head.fields);
    if (!reply) {
        co_await respond_error(
            exchange,
            Error(
                Errc::NotFound,
                fmt::format(
                    "{} is no file of the dashboard, which is at /plimsoll/",
                    printable(head.path, 200)
                )
            )
        );
        co_return;
    }
    auto const sent = co_await exchange.respond(std::move(*reply));
    static_cast<void>(sent);
}

// Names in the page are relative to the slash.
net::Task<void> Control::Impl::to_page(net::Exchange& exchange) {
    http::Reply reply;
    reply.status = 308;
    reply.fields.add("Location", "/plimsoll/");
    auto const sent = co_await exchange.respond(std::move(reply));
    static_cast<void>(sent);
}

}  // namespace plimsoll::control
