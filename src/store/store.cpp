#include "store/impl.hpp"
#include "store/schema.hpp"

#include <plimsoll/base/text.hpp>
#include <plimsoll/store/store.hpp>

#include <array>
#include <system_error>
#include <utility>

namespace plimsoll::store {

namespace {

namespace fs = std::filesystem;

// Bounds the file: clients choose num_ctx, so there is no natural end to the number of settings.
constexpr char const* kMostMeasurements = "10000";

}  // namespace

Result<std::unique_ptr<Store::Impl>> Store::Impl::open(std::string const& file) {
    Result<Database> database = Database::open(file);
    if (!database) {
        return fail(std::move(database).error());
    }
    auto impl = std::make_unique<Impl>();
    impl->database = std::move(*database);
    if (impl->database.is_read_only()) {
        return fail(Errc::Io, "it cannot be written");
    }
    // A write-ahead log with NORMAL survives a killed process whole; a power cut may cost the last
    // few sizes, which are measured again.
    Result<void> const mode =
        impl->database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    if (!mode) {
        return fail(mode.error());
    }
    Result<void> const checked = prepare_schema(impl->database);
    if (!checked) {
        return fail(checked.error());
    }
    Result<void> const prepared = impl->prepare();
    if (!prepared) {
        return fail(prepared.error());
    }
    return impl;
}

Result<void> Store::Impl::prepare() {
    struct Item {
        Statement* statement;
        std::string sql;
    };

    // REPLACE gives a row a new rowid, so the lowest rowids are those that were not measured for
    // longest.
    std::array const items = {
        Item{
            &save_measurement,
            "REPLACE INTO measurements (upstream, weights, settings, size, size_vram, charge, "
            "load_ns, unload_ns, answer_ns, samples, server, size_count, size_agreeing, size_mean, "
            "size_squares, size_largest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        },
        Item{
            &save_calibration,
            "REPLACE INTO calibrations (upstream, device, what, count, mean, squares, largest) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)"
        },
        Item{
            &all_calibrations,
            "SELECT upstream, device, what, count, mean, squares, largest FROM calibrations "
            "ORDER BY upstream, device, what"
        },
        Item{
            &prune_measurements,
            std::string("DELETE FROM measurements WHERE rowid IN (SELECT rowid FROM measurements "
                        "ORDER BY rowid "
                        "LIMIT max(0, (SELECT count(*) FROM measurements) - ") +
                kMostMeasurements + "))"
        },
        Item{
            &all_measurements,
            "SELECT upstream, weights, settings, size, size_vram, charge, load_ns, unload_ns, "
            "answer_ns, samples, server, size_count, size_agreeing, size_mean, size_squares, "
            "size_largest FROM measurements ORDER BY upstream, weights, settings"
        },
        Item{
            &save_row,
            "REPLACE INTO known_rows (upstream, weights, model, settings, charge) VALUES (?, ?, ?, "
            "?, ?)"
        },
        Item{
            &all_rows,
            "SELECT upstream, weights, model, settings, charge FROM known_rows ORDER BY upstream, "
            "weights"
        },
        Item{&forget_row, "DELETE FROM known_rows WHERE upstream = ? AND weights = ?"},
    };
    for (Item const& item : items) {
        Result<Statement> statement = database.prepare(item.sql);
        if (!statement) {
            return fail(std::move(statement).error());
        }
        *item.statement = std::move(*statement);
    }
    return {};
}

namespace {

// Moves the file and what belongs to it out of the way. An old write-ahead log must go too: SQLite
// would replay it into the new file.
Result<fs::path> set_aside(fs::path const& file) {
    fs::path target;
    std::error_code error;
    unsigned number = 0;
    do {
        target = file;
        target += ".aside-" + std::to_string(++number);
    } while (fs::exists(target, error));
    for (char const* suffix : {"-wal", "-shm"}) {
        fs::path from = file;
        fs::path to = target;
        fs::rename(from += suffix, to += suffix, error);  // usually absent
    }
    fs::rename(file, target, error);
    if (error) {
        Error failure(
            Errc::Io, "renaming it to " + target.string() + " failed: " + error.message()
        );
        failure.cause = error;
        return fail(std::move(failure));
    }
    return target;
}

Result<void> check_place(fs::path const& file) {
    std::error_code error;
    fs::path const folder = file.parent_path();
    if (!folder.empty() && !fs::exists(folder, error)) {
        fs::create_directories(folder, error);
        if (error) {
            return fail(Errc::Io, "its folder cannot be made: " + error.message());
        }
    }
    fs::file_status const status = fs::status(file, error);
    // Opening a pipe would block for ever.
    if (fs::exists(status) && !fs::is_regular_file(status)) {
        return fail(Errc::Io, "it is not a regular file");
    }
    return {};
}

Error in_file(Error error, fs::path const& file) {
    return std::move(error).context("state file " + printable(file.string()));
}

}  // namespace

Result<Store> Store::open(fs::path const& file, std::string& warning) {
    warning.clear();
    Result<void> const place = check_place(file);
    if (!place) {
        return fail(in_file(place.error(), file));
    }
    Result<std::unique_ptr<Impl>> impl = Impl::open(file.string());
    if (!impl && impl.error().code == Errc::Invalid) {
        Result<fs::path> const aside = set_aside(file);
        if (!aside) {
            return fail(in_file(aside.error(), file));
        }
        warning = "state file " + printable(file.string()) + " was set aside as " +
                  printable(aside->string()) + " and a new one begun, because it cannot be used: " +
                  printable(impl.error().message) + "; measured sizes will be learned again";
        impl = Impl::open(file.string());
    }
    if (!impl) {
        return fail(in_file(std::move(impl).error(), file));
    }
    return Store(std::move(*impl));
}

Store Store::in_memory() {
    Result<std::unique_ptr<Impl>> impl = Impl::open(":memory:");
    PLIMSOLL_ASSERT(impl.has_value());
    return Store(std::move(*impl));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Store::~Store() = default;
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Result<std::vector<Measurement>> Store::measurements() {
    Statement& statement = impl_->all_measurements;
    std::vector<Measurement> all;
    while (true) {
        Result<bool> const has_row = statement.step();
        if (!has_row) {
            return fail(Error(has_row.error()).context("reading measured sizes from the state file")
            );
        }
        if (!*has_row) {
            statement.reset();
            return all;
        }
        Measurement& row = all.emplace_back();
        row.upstream = statement.text();
        row.weights = statement.text();
        row.settings = statement.text();
        row.size = Bytes(statement.number());
        row.size_vram = Bytes(statement.number());
        row.charge = Bytes(statement.number());
        row.load_time = Duration(statement.number());
        row.unload_time = Duration(statement.number());
        row.answer_time = Duration(statement.number());
        row.samples = statement.number();
        row.server = statement.text();
        row.size_count = statement.number();
        row.size_agreeing = statement.number();
        row.size_mean = statement.real();
        row.size_squares = statement.real();
        row.size_largest = statement.real();
    }
}

Result<std::vector<Calibration>> Store::calibrations() {
    Statement& statement = impl_->all_calibrations;
    std::vector<Calibration> all;
    while (true) {
        Result<bool> const has_row = statement.step();
        if (!has_row) {
            return fail(Error(has_row.error()).context("reading calibrations from the state file"));
        }
        if (!*has_row) {
            statement.reset();
            return all;
        }
        Calibration& row = all.emplace_back();
        row.upstream = statement.text();
        row.device = statement.text();
        row.what = statement.text();
        row.count = statement.number();
        row.mean = statement.real();
        row.squares = statement.real();
        row.largest = statement.real();
    }
}

Result<void> Store::save(Calibration const& c) {
    Statement& statement = impl_->save_calibration;
    statement.bind(c.upstream).bind(c.device).bind(c.what).bind(c.count);
    statement.bind(c.mean).bind(c.squares).bind(c.largest);
    Result<void> const done = statement.run();
    if (!done) {
        return fail(Error(done.error()).context("saving a calibration of " + printable(c.upstream))
        );
    }
    return {};
}

Result<void> Store::save(Measurement const& m) {
    Statement& statement = impl_->save_measurement;
    statement.bind(m.upstream).bind(m.weights).bind(m.settings);
    statement.bind(m.size).bind(m.size_vram).bind(m.charge);
    statement.bind(m.load_time).bind(m.unload_time).bind(m.answer_time).bind(m.samples);
    statement.bind(m.server).bind(m.size_count).bind(m.size_agreeing);
    statement.bind(m.size_mean).bind(m.size_squares).bind(m.size_largest);
    Result<void> done = statement.run();
    if (done) {
        done = impl_->prune_measurements.run();
    }
    if (!done) {
        return fail(Error(done.error()).context("saving a measured size of " + printable(m.weights))
        );
    }
    return {};
}

Result<std::vector<KnownRow>> Store::known_rows() {
    Statement& statement = impl_->all_rows;
    std::vector<KnownRow> all;
    while (true) {
        Result<bool> const has_row = statement.step();
        if (!has_row) {
            return fail(Error(has_row.error()).context("reading loaded models from the state file")
            );
        }
        if (!*has_row) {
            statement.reset();
            return all;
        }
        KnownRow& row = all.emplace_back();
        row.upstream = statement.text();
        row.weights = statement.text();
        row.model = statement.text();
        row.settings = statement.text();
        row.charge = Bytes(statement.number());
    }
}

Result<void> Store::save(KnownRow const& row) {
    Statement& statement = impl_->save_row;
    statement.bind(row.upstream)
        .bind(row.weights)
        .bind(row.model)
        .bind(row.settings)
        .bind(row.charge);
    Result<void> const done = statement.run();
    if (!done) {
        return fail(
            Error(done.error()).context("saving that " + printable(row.model) + " is loaded")
        );
    }
    return {};
}

Result<void> Store::forget_row(std::string const& upstream, std::string const& weights) {
    Result<void> const done = impl_->forget_row.bind(upstream).bind(weights).run();
    if (!done) {
        return fail(Error(done.error()).context("forgetting a loaded model " + printable(weights)));
    }
    return {};
}

}  // namespace plimsoll::store
