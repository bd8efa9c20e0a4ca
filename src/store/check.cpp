#include "store/database.hpp"

#include <plimsoll/store/check.hpp>

#include <system_error>

namespace plimsoll::store {

Result<std::string> quick_check(std::filesystem::path const& file) {
    std::error_code failure;
    if (!std::filesystem::exists(file, failure)) {
        return failure ? fail(Errc::Io, file.string() + ": " + failure.message())
                       : fail(Errc::NotFound, file.string() + " does not exist");
    }
    auto database = Database::open_to_read(file.string());
    if (!database) {
        return fail(std::move(database).error());
    }
    return database->text("PRAGMA quick_check(1)");
}

}  // namespace plimsoll::store
