#pragma once
// The routes of the table by name, for whoever wants to look at all of them, and those that every
// client may read first. Pure.

#include <plimsoll/http/head.hpp>

#include <span>
#include <string_view>

namespace plimsoll::http {

struct KnownRoute {
    Method method = Method::Get;
    std::string_view path;  // "{...}" stands for one part of it
};

// Every route with a name of its own, but those of our own paths.
std::span<KnownRoute const> known_routes();

// Reads which version and which models there are.
bool is_catalogue(Method method, std::string_view path);

}  // namespace plimsoll::http
