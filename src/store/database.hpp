#pragma once
// SQLite with owners for its handles and Results for its codes. One thread at a time.

#include <plimsoll/base/bytes.hpp>
#include <plimsoll/base/result.hpp>
#include <plimsoll/base/time.hpp>

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>

namespace plimsoll::store {

struct CloseDatabase {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
};

struct FinalizeStatement {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
};

class Database;

// A prepared statement, used once per reset(). Binding errors show in the next step().
class Statement {
  public:
    Statement& bind(std::string_view text);
    Statement& bind(std::uint64_t number);
    Statement& bind(double number);

    Statement& bind(Bytes bytes) { return bind(bytes.count()); }

    Statement& bind(Duration duration);

    // true: a row is there; false: done.
    Result<bool> step();
    // step() for statements without rows; then ready for the next use.
    Result<void> run();
    void reset();

    // Columns of the row that step() found, from left to right.
    [[nodiscard]] std::string text();
    [[nodiscard]] std::uint64_t number();
    [[nodiscard]] double real();

  private:
    friend class Database;
    std::unique_ptr<sqlite3_stmt, FinalizeStatement> handle_;
    sqlite3* database_ = nullptr;
    int next_bind_ = 1;
    int next_column_ = 0;
};

class Database {
  public:
    // Errors: Invalid if the file is no database, Io otherwise. `file` is a path or ":memory:".
    static Result<Database> open(std::string const& file);
    // The same for a file that is only looked at, and must exist.
    static Result<Database> open_to_read(std::string const& file);

    Result<void> execute(std::string const& sql);
    Result<Statement> prepare(std::string_view sql);
    // The single number that `sql` selects.
    Result<std::uint64_t> number(std::string_view sql);
    Result<std::string> text(std::string_view sql);
    [[nodiscard]] bool is_read_only() const;

  private:
    static Result<Database> open_with(std::string const& file, int flags);

    std::unique_ptr<sqlite3, CloseDatabase> handle_;
};

// Invalid: the content is wrong (corrupt, no database, other tables); Io: the system refused (full,
// read-only, busy).
Error sqlite_error(sqlite3* handle, int code);

}  // namespace plimsoll::store
