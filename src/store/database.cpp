#include "store/database.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <system_error>
#include <utility>

namespace plimsoll::store {

namespace {

// SQLite's integers are signed. Sizes beyond 2^63 mean "more than anything" and stay that.
std::int64_t to_signed(std::uint64_t number) {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(std::min(number, kMax));
}

}  // namespace

Error sqlite_error(sqlite3* handle, int code) {
    int const primary = code & 0xff;
    bool const is_content = primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ||
                            primary == SQLITE_ERROR || primary == SQLITE_SCHEMA ||
                            primary == SQLITE_MISMATCH || primary == SQLITE_FORMAT;
    std::string text = sqlite3_errstr(code);
    if (handle != nullptr && sqlite3_extended_errcode(handle) == code) {
        text = sqlite3_errmsg(handle);
    }
    Error error(is_content ? Errc::Invalid : Errc::Io, std::move(text));
    int const system = handle == nullptr ? 0 : sqlite3_system_errno(handle);
    if (!is_content && system != 0) {
        error.cause = std::error_code(system, std::system_category());
        error.message += " (" + error.cause.message() + ")";
    }
    return error;
}

Statement& Statement::bind(std::string_view text) {
    // A null pointer would bind NULL. The text is copied: it need not live until step().
    char const* const bytes = text.data() == nullptr ? "" : text.data();
    sqlite3_bind_text64(
        handle_.get(), next_bind_++, bytes, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8
    );
    return *this;
}

Statement& Statement::bind(std::uint64_t number) {
    sqlite3_bind_int64(handle_.get(), next_bind_++, to_signed(number));
    return *this;
}

Statement& Statement::bind(double number) {
    sqlite3_bind_double(handle_.get(), next_bind_++, number);
    return *this;
}

Statement& Statement::bind(Duration duration) {
    sqlite3_bind_int64(handle_.get(), next_bind_++, std::max<std::int64_t>(duration.count(), 0));
    return *this;
}

Result<bool> Statement::step() {
    int const code = sqlite3_step(handle_.get());
    next_column_ = 0;
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    Error error = sqlite_error(database_, code);
    reset();
    return fail(std::move(error));
}

Result<void> Statement::run() {
    Result<bool> const done = step();
    if (!done) {
        return fail(done.error());
    }
    reset();
    return {};
}

void Statement::reset() {
    sqlite3_reset(handle_.get());
    sqlite3_clear_bindings(handle_.get());
    next_bind_ = 1;
}

std::string Statement::text() {
    int const column = next_column_++;
    unsigned char const* const bytes = sqlite3_column_text(handle_.get(), column);
    if (bytes == nullptr) {
        return {};
    }
    auto const size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
    return {reinterpret_cast<char const*>(bytes), size};
}

std::uint64_t Statement::number() {
    std::int64_t const value = sqlite3_column_int64(handle_.get(), next_column_++);
    return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

double Statement::real() {
    return sqlite3_column_double(handle_.get(), next_column_++);
}

Result<Database> Database::open(std::string const& file) {
    return open_with(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
}

Result<Database> Database::open_to_read(std::string const& file) {
    return open_with(file, SQLITE_OPEN_READONLY);
}

Result<Database> Database::open_with(std::string const& file, int flags) {
    sqlite3* raw = nullptr;
    int const code = sqlite3_open_v2(file.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    Database database;
    database.handle_.reset(raw);  // to be closed even where opening failed
    if (code != SQLITE_OK) {
        return fail(sqlite_error(raw, code));
    }
    sqlite3_extended_result_codes(raw, 1);
    // Another process (a backup, a second daemon being started) may hold the file for a moment.
    sqlite3_busy_timeout(raw, 2000);
    return database;
}

Result<void> Database::execute(std::string const& sql) {
    int const code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return fail(sqlite_error(handle_.get(), code));
    }
    return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* raw = nullptr;
    int const code =
        sqlite3_prepare_v2(handle_.get(), sql.data(), static_cast<int>(sql.size()), &raw, nullptr);
    if (code != SQLITE_OK) {
        return fail(sqlite_error(handle_.get(), code));
    }
    Statement statement;
    statement.handle_.reset(raw);
    statement.database_ = handle_.get();
    return statement;
}

Result<std::uint64_t> Database::number(std::string_view sql) {
    Result<std::string> const value = text(sql);
    if (!value) {
        return fail(value.error());
    }
    return std::strtoull(value->c_str(), nullptr, 10);
}

Result<std::string> Database::text(std::string_view sql) {
    Result<Statement> statement = prepare(sql);
    if (!statement) {
        return fail(std::move(statement).error());
    }
    Result<bool> const has_row = statement->step();
    if (!has_row) {
        return fail(has_row.error());
    }
    return *has_row ? statement->text() : std::string();
}

bool Database::is_read_only() const {
    return sqlite3_db_readonly(handle_.get(), "main") == 1;
}

}  // namespace plimsoll::store
