#pragma once
// A file that is part of the program: cmake/embed.cmake makes tables of them.

#include <span>
#include <string_view>

namespace plimsoll {

struct EmbeddedFile {
    std::string_view name;  // without folders
    std::string_view bytes;
    std::string_view sha256;  // of the bytes, 64 hex digits
};

}  // namespace plimsoll
