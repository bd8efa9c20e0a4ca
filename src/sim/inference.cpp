#include "sim/inference.hpp"

namespace plimsoll::sim {

namespace {

constexpr double kPromptSpeed = 20;  // times faster than answering
constexpr std::string_view kDied =
    "an error was encountered while running the model: unexpected EOF";
constexpr std::string_view kDiedEarly =
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal "
    "error, check ollama "
    "server logs for details";
constexpr std::string_view kOutOfMemory = "CUDA error: out of memory (simulated)";

// What is known of one answer while it is said.
struct Speaker {
    Speaker(Session& of_session, Inference& of_inference, Dialect& of_dialect)
        : session(&of_session), inference(&of_inference), dialect(&of_dialect) {}

    Session* session;
    Inference* inference;
    Dialect* dialect;
    Answer answer;
    Stats stats;
    TimePoint begun;
    std::optional<Fault> dies, crashes;
};

net::Task<void> refuse_with(Session& session, Dialect& dialect, Refused why) {
    if (why.status != 0) {
        co_await session.reply(
            why.status, dialect.error_type(), dialect.error(why.status, why.text)
        );
    }
}

// Waits for the time of piece number `index`; false: the client has gone.
net::Task<bool> pace(Speaker& speaker, std::size_t index) {
    auto& world = speaker.session->world();
    auto const at = speaker.begun +
                    world.scaled(static_cast<double>(index + 1) / world.config.tokens_per_second);
    auto const slept = co_await net::sleep_until(world.loop, at, &speaker.session->canceller());
    co_return slept.has_value();
}

enum class Said : std::uint8_t { All, Gone, Crashed };

net::Task<Said> say(Speaker& speaker) {
    auto& world = speaker.session->world();
    auto const& pieces = speaker.answer.pieces;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        bool const in_time = co_await pace(speaker, i);
        if (!in_time) {
            co_return Said::Gone;
        }
        if (speaker.dies && static_cast<std::int64_t>(i) >= speaker.dies->after) {
            speaker.session->cut();
            co_return Said::Gone;
        }
        if (speaker.crashes && static_cast<std::int64_t>(i) >= speaker.crashes->after) {
            world.crash(speaker.inference->asked.model);
            co_return Said::Crashed;
        }
        if (!speaker.inference->stream) {
            continue;
        }
        bool const written = co_await speaker.session->write(speaker.dialect->piece(pieces[i], i));
        if (!written) {
            co_return Said::Gone;
        }
    }
    co_return Said::All;
}

void settle_stats(Speaker& speaker, TimePoint arrived) {
    auto const now = speaker.session->world().now();
    speaker.stats.eval = now - speaker.begun;
    speaker.stats.total = now - arrived;
    speaker.stats.tokens = speaker.answer.pieces.size();
    speaker.stats.done_reason = speaker.answer.done_reason;
}

net::Task<void> end(Speaker& speaker, Said said) {
    auto& session = *speaker.session;
    auto& dialect = *speaker.dialect;
    bool const streams = speaker.inference->stream;
    if (said == Said::Crashed && !streams) {
        co_await refuse_with(session, dialect, {500, std::string(kDied)});
    } else if (!streams) {
        co_await session.reply(
            200, dialect.whole_type(), dialect.whole(speaker.answer, speaker.stats)
        );
    } else {
        auto const last =
            said == Said::Crashed ? dialect.broken(kDied) : dialect.end(speaker.stats);
        bool written = true;
        if (!last.empty()) {
            written = co_await session.write(last);
        }
        if (written) {
            co_await session.end_stream();
        }
    }
}

// With a slot in hand.
net::Task<void> speak(Speaker& speaker, TimePoint arrived) {
    auto& session = *speaker.session;
    auto& world = session.world();
    auto const prompt = static_cast<double>(speaker.answer.prompt_tokens) /
                        (kPromptSpeed * world.config.tokens_per_second);
    speaker.stats.prompt = world.scaled(prompt);
    speaker.stats.prompt_tokens = speaker.answer.prompt_tokens;
    speaker.begun = world.now() + speaker.stats.prompt;
    if (speaker.crashes && speaker.crashes->after == 0) {
        world.crash(speaker.inference->asked.model);
        co_await refuse_with(session, *speaker.dialect, {500, std::string(kDiedEarly)});
        co_return;
    }
    if (speaker.inference->stream) {
        bool started = co_await session.begin_stream(
            speaker.dialect->stream_type(), speaker.dialect->has_event_stream_fields()
        );
        auto const first = speaker.dialect->begin(speaker.stats);
        if (started && !first.empty()) {
            started = co_await session.write(first);
        }
        if (!started) {
            co_return;
        }
    }
    auto const said = co_await say(speaker);
    if (said != Said::Gone) {
        settle_stats(speaker, arrived);
        co_await end(speaker, said);
    }
}

}  // namespace

net::Task<OrRefused<Lease>> get_runner(
    Session& session, ModelPtr model, RunnerOptions options, std::optional<Duration> keep_alive
) {
    auto& world = session.world();
    Wanted wanted;
    wanted.settings = settle(options, *model, world.scheduler.config().machine);
    wanted.keep_alive = keep_alive;
    if (auto const fault = world.faults.strike(FaultKind::Load500, session.path(), model->key)) {
        wanted.load_fault = "llama-server process has terminated: exit status 1";
    } else if (auto const oom = world.faults.strike(FaultKind::Oom, session.path(), model->key)) {
        if (oom->during_request) {
            // The server takes any such text for a full card and marks all that is loaded for
            // unloading.
            world.out_of_memory_during_request();
            co_return refuse(500, std::string(kOutOfMemory));
        }
        wanted.load_fault =
            "llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory "
            "(fault)";
    }
    wanted.model = std::move(model);
    co_return co_await world.acquire(std::move(wanted), session.canceller());
}

net::Task<void> infer(Session& session, Inference inference, Dialect& dialect) {
    auto& world = session.world();
    auto const arrived = world.now();
    auto const& model = inference.asked.model;
    world.books.request(model->name);
    Speaker speaker(session, inference, dialect);
    Lease lease;
    if (!model->remote) {
        auto got = co_await get_runner(session, model, inference.options, inference.keep_alive);
        if (!got) {
            co_await refuse_with(session, dialect, got.error());
            co_return;
        }
        lease = std::move(*got);
    }
    speaker.stats.load = world.now() - arrived;
    if (inference.after_load.status != 0) {
        co_await refuse_with(session, dialect, inference.after_load);
        co_return;
    }
    if (inference.is_preload) {
        lease.reset();
        speaker.stats.total = world.now() - arrived;
        co_await session.reply(200, dialect.whole_type(), dialect.preloaded(speaker.stats, "load"));
        co_return;
    }
    speaker.answer = answer(inference.question);
    speaker.dies = world.faults.strike(FaultKind::DieMidStream, session.path(), model->key);
    if (!model->remote) {
        speaker.crashes = world.faults.strike(FaultKind::Crash, session.path(), model->key);
        bool const has_slot = co_await world.slot(lease, session.canceller());
        if (!has_slot) {
            co_return;
        }
    }
    co_await speak(speaker, arrived);
}

}  // namespace plimsoll::sim
