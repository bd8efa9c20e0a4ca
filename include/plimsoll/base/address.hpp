#pragma once
// What an address tells by its text alone. Pure; any thread.

#include <string_view>

namespace plimsoll {

// True for what no other machine reaches: 127.0.0.0/8, ::1, "localhost" and "unix:/path". Of names
// only that one: another may stand for anything ("127.example.org").
bool is_loopback(std::string_view address);

}  // namespace plimsoll
