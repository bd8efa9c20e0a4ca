// Runs of chains: what was asked, each step as it ended, what was told. Statements are prepared for
// each use: a step of a chain takes seconds.

#include "store/impl.hpp"

#include <plimsoll/base/text.hpp>

namespace plimsoll::store {

namespace {

Error of_run(Error error, std::string_view id) {
    return std::move(error).context("run " + printable(id, 40) + " in the state file");
}

template <class OnRow>
Result<void> for_each_row(Statement& select, OnRow const& on_row) {
    while (true) {
        Result<bool> const has_row = select.step();
        if (!has_row) {
            return fail(has_row.error());
        }
        if (!*has_row) {
            return {};
        }
        on_row(select);
    }
}

// All of it, or nothing.
class Transaction {
  public:
    explicit Transaction(Database& database)
        : database_(database), begun_(database.execute("BEGIN IMMEDIATE")) {}

    ~Transaction() {
        if (begun_ && !is_over_) {
            Result<void> const ignored = database_.execute("ROLLBACK");  // what failed was reported
            static_cast<void>(ignored);
        }
    }

    Transaction(Transaction const&) = delete;
    Transaction& operator=(Transaction const&) = delete;

    [[nodiscard]] Result<void> const& begun() const { return begun_; }

    Result<void> commit() {
        Result<void> done = database_.execute("COMMIT");
        is_over_ = done.has_value();
        return done;
    }

  private:
    Database& database_;
    Result<void> begun_;
    bool is_over_ = false;
};

Result<void> insert_events(
    Database& database, std::string const& run, std::vector<StoredEvent> const& events
) {
    if (events.empty()) {
        return {};
    }
    Result<Statement> insert =
        database.prepare("REPLACE INTO run_events (run, id, event) VALUES (?, ?, ?)");
    if (!insert) {
        return fail(insert.error());
    }
    for (StoredEvent const& event : events) {
        Result<void> const done = insert->bind(run).bind(event.id).bind(event.event).run();
        if (!done) {
            return done;
        }
    }
    return {};
}

}  // namespace

Result<void> Store::save(StoredRun const& run) {
    Result<Statement> insert = impl_->database.prepare(
        "REPLACE INTO runs (id, chain, document, input, vars, client, status, durable, async, "
        "started, ended, result) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    if (!insert) {
        return fail(of_run(insert.error(), run.id));
    }
    insert->bind(run.id).bind(run.chain).bind(run.document).bind(run.input).bind(run.vars);
    insert->bind(run.client).bind(run.status).bind(std::uint64_t{run.is_durable});
    insert->bind(std::uint64_t{run.is_async}).bind(run.started).bind(run.ended).bind(run.result);
    Result<void> const done = insert->run();
    return done ? done : fail(of_run(done.error(), run.id));
}

Result<void> Store::save_step(
    std::string const& run, StoredStep const& step, std::vector<StoredEvent> const& events
) {
    Database& database = impl_->database;
    Transaction transaction(database);
    Result<void> done = transaction.begun();
    if (done) {
        Result<Statement> insert =
            database.prepare("REPLACE INTO run_steps (run, key, record) VALUES (?, ?, ?)");
        done = insert ? insert->bind(run).bind(step.key).bind(step.record).run()
                      : Result<void>(fail(insert.error()));
    }
    if (done) {
        done = insert_events(database, run, events);
    }
    if (done) {
        done = transaction.commit();
    }
    return done ? done : fail(of_run(done.error(), run));
}

Result<void> Store::save_events(std::string const& run, std::vector<StoredEvent> const& events) {
    Transaction transaction(impl_->database);
    Result<void> done = transaction.begun();
    if (done) {
        done = insert_events(impl_->database, run, events);
    }
    if (done) {
        done = transaction.commit();
    }
    return done ? done : fail(of_run(done.error(), run));
}

Result<std::vector<StoredRun>> Store::runs(std::string const& status, std::uint64_t most) {
    Result<Statement> select = impl_->database.prepare(
        "SELECT id, chain, client, status, durable, async, started, ended, result FROM runs "
        "WHERE ?1 = '' OR status = ?1 ORDER BY started DESC, rowid DESC LIMIT ?2"
    );
    if (!select) {
        return fail(Error(select.error()).context("reading runs from the state file"));
    }
    select->bind(status).bind(most);
    std::vector<StoredRun> all;
    Result<void> const read = for_each_row(*select, [&](Statement& row) {
        StoredRun& run = all.emplace_back();
        run.id = row.text();
        run.chain = row.text();
        run.client = row.text();
        run.status = row.text();
        run.is_durable = row.number() != 0;
        run.is_async = row.number() != 0;
        run.started = row.number();
        run.ended = row.number();
        run.result = row.text();
    });
    if (!read) {
        return fail(Error(read.error()).context("reading runs from the state file"));
    }
    return all;
}

Result<StoredRun> Store::run(std::string const& id) {
    Result<Statement> select = impl_->database.prepare(
        "SELECT chain, document, input, vars, client, status, durable, async, started, ended, "
        "result FROM runs WHERE id = ?"
    );
    if (!select) {
        return fail(of_run(select.error(), id));
    }
    Result<bool> const has_row = select->bind(id).step();
    if (!has_row) {
        return fail(of_run(has_row.error(), id));
    }
    if (!*has_row) {
        return fail(
            Errc::NotFound,
            "there is no run " + printable(id, 40) + "; GET /plimsoll/v1/runs lists them"
        );
    }
    StoredRun run;
    run.id = id;
    run.chain = select->text();
    run.document = select->text();
    run.input = select->text();
    run.vars = select->text();
    run.client = select->text();
    run.status = select->text();
    run.is_durable = select->number() != 0;
    run.is_async = select->number() != 0;
    run.started = select->number();
    run.ended = select->number();
    run.result = select->text();
    return run;
}

Result<std::vector<StoredStep>> Store::steps(std::string const& run) {
    Result<Statement> select =
        impl_->database.prepare("SELECT key, record FROM run_steps WHERE run = ? ORDER BY rowid");
    if (!select) {
        return fail(of_run(select.error(), run));
    }
    select->bind(run);
    std::vector<StoredStep> all;
    Result<void> const read = for_each_row(*select, [&](Statement& row) {
        StoredStep& step = all.emplace_back();
        step.key = row.text();
        step.record = row.text();
    });
    return read ? Result<std::vector<StoredStep>>(std::move(all)) : fail(of_run(read.error(), run));
}

Result<std::vector<StoredEvent>> Store::events(std::string const& run, std::uint64_t after_id) {
    Result<Statement> select = impl_->database.prepare(
        "SELECT id, event FROM run_events WHERE run = ? AND id > ? ORDER BY id"
    );
    if (!select) {
        return fail(of_run(select.error(), run));
    }
    select->bind(run).bind(after_id);
    std::vector<StoredEvent> all;
    Result<void> const read = for_each_row(*select, [&](Statement& row) {
        StoredEvent& event = all.emplace_back();
        event.id = row.number();
        event.event = row.text();
    });
    return read ? Result<std::vector<StoredEvent>>(std::move(all))
                : fail(of_run(read.error(), run));
}

Result<void> Store::prune_runs(std::uint64_t most, std::uint64_t since) {
    Database& database = impl_->database;
    Transaction transaction(database);
    Result<void> done = transaction.begun();
    if (done) {
        Result<Statement> erase = database.prepare(
            "DELETE FROM runs WHERE status <> 'running' AND (ended < ?2 OR id NOT IN "
            "(SELECT id FROM runs ORDER BY started DESC, rowid DESC LIMIT ?1))"
        );
        done = erase ? erase->bind(most).bind(since).run() : Result<void>(fail(erase.error()));
    }
    if (done) {
        done = database.execute(
            "DELETE FROM run_steps WHERE run NOT IN (SELECT id FROM runs);"
            "DELETE FROM run_events WHERE run NOT IN (SELECT id FROM runs)"
        );
    }
    if (done) {
        done = transaction.commit();
    }
    return done ? done : fail(Error(done.error()).context("deleting old runs"));
}

}  // namespace plimsoll::store
