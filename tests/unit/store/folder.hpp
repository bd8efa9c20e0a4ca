#pragma once
// A folder for one test, gone with it.

#include <plimsoll/base/result.hpp>

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace plimsoll::test {

class Folder {
  public:
    Folder() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "plimsoll-test-XXXXXX").string();
        PLIMSOLL_ASSERT(::mkdtemp(pattern.data()) != nullptr);
        path = pattern;
    }

    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }

    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    std::filesystem::path path;
};

}  // namespace plimsoll::test
