// The loop that takes one load at a time and stays with it until it is ready or has failed.
#include "sim/scheduler.hpp"

#include <algorithm>

namespace plimsoll::sim {

namespace {

constexpr double kStartSeconds = 0.3;  // of a runner, before it reads its first byte
constexpr Bytes kFitMargin = gibibytes(1);
constexpr std::string_view kOutOfMemory =
    "llama-server reported out-of-memory during startup: cudaMalloc failed: out of memory "
    "(simulated)";

}  // namespace

void Scheduler::step(TimePoint now) {
    while (!loading_ && !waits_for_unload_) {
        if (!current_) {
            if (pending_.empty()) {
                return;
            }
            current_ = pending_.front();
            pending_.pop_front();
        }
        auto const found = tickets_.find(*current_);
        if (found == tickets_.end() || found->second.is_gone) {
            if (found != tickets_.end()) {
                tickets_.erase(found);
            }
            current_.reset();
            continue;
        }
        if (!consider_current(now)) {
            return;
        }
    }
}

bool Scheduler::consider_current(TimePoint now) {
    auto& ticket = tickets_.at(*current_);
    auto const found = runners_.find(ticket.wanted.model->weights->blob);
    if (found != runners_.end()) {
        auto& runner = found->second;
        if (!runner.gone_at && !runner.dead && runner.settings.serves(ticket.wanted.settings)) {
            auto const id = *current_;
            current_.reset();
            use(runner, id, now);
            return true;
        }
        waits_for_unload_ = true;
        if (!runner.gone_at) {
            runner.reloading = true;
            begin_expiry(runner, now);
        }
        return false;
    }
    bool const crowded = runners_.size() >= config_.max_loaded;
    if (crowded || (!runners_.empty() && !fits_by_own_estimate(ticket))) {
        // No time-out here, as in the original: if the victim is used again, this waits for any
        // unload at all.
        waits_for_unload_ = true;
        if (auto* runner = victim(); runner != nullptr) {
            evict(
                *runner,
                now,
                crowded ? "too many models" : "own estimate above 80 % of the free memory"
            );
        }
        return false;
    }
    start_load(now);
    return false;
}

Scheduler::Runner* Scheduler::victim() {
    Runner* best = nullptr;
    for (auto& [key, runner] : runners_) {
        if (runner.gone_at) {
            return nullptr;  // one is going already
        }
        auto const rank = [](Runner const& r) {
            return std::pair(r.refs != 0, r.session.value_or(Duration::zero()));
        };
        if (best == nullptr || rank(runner) < rank(*best)) {
            best = &runner;
        }
    }
    return best;
}

bool Scheduler::fits_by_own_estimate(Ticket const& ticket) const {
    auto const& weights = *ticket.wanted.model->weights;
    auto const gpu_layers = ticket.wanted.settings.num_gpu;
    if (config_.machine.vram.is_zero() || (gpu_layers && *gpu_layers <= weights.layers)) {
        return true;
    }
    auto const estimate = own_estimate(weights, ticket.wanted.settings);
    return static_cast<double>(estimate.count()) <=
           0.8 * static_cast<double>(books_->vram.free().count());
}

// The part of the layers that goes to the device.
double Scheduler::device_share(Ticket const& ticket) const {
    auto const& weights = *ticket.wanted.model->weights;
    auto const& settings = ticket.wanted.settings;
    if (config_.machine.vram.is_zero()) {
        return 0;
    }
    if (settings.num_gpu) {
        auto const all = static_cast<double>(weights.layers) + 1;
        return std::clamp(static_cast<double>(*settings.num_gpu) / all, 0.0, 1.0);
    }
    auto const whole = footprint(*ticket.wanted.model, settings, config_.machine.kv_type, 1).truth;
    auto const free = books_->vram.free();
    if (!config_.partial_offload || whole + kFitMargin <= free) {
        return 1;
    }
    // The fit pass moves whole layers to the CPU until what is left fits; silently.
    for (auto layers = weights.layers; layers > 0; --layers) {
        auto const share = static_cast<double>(layers) / (static_cast<double>(weights.layers) + 1);
        if (footprint(*ticket.wanted.model, settings, config_.machine.kv_type, share).truth +
                kFitMargin <=
            free) {
            return share;
        }
    }
    return 0;
}

void Scheduler::start_load(TimePoint now) {
    auto& ticket = tickets_.at(*current_);
    auto const& model = ticket.wanted.model;
    auto const share = device_share(ticket);
    Runner runner;
    runner.model = model;
    runner.settings = ticket.wanted.settings;
    runner.bytes = footprint(*model, runner.settings, config_.machine.kv_type, share);
    runner.session = ticket.wanted.keep_alive.value_or(std::chrono::minutes(5));
    std::string error = ticket.wanted.load_fault;
    if (books_->vram.take(runner.bytes.truth)) {
        runner.held = runner.bytes.truth;
    } else if (error.empty()) {
        ++books_->count.out_of_memory;
        books_->note(
            now,
            "out_of_memory",
            model->name,
            runner.bytes.truth,
            "free " + format_mib(books_->vram.free())
        );
        error = kOutOfMemory;
    }
    auto const read =
        error.empty() ? static_cast<double>(model->weights->file.count()) / config_.load_bandwidth
                      : 0;
    books_->note(now, "load_start", model->name, runner.held);
    loading_ =
        Loading{*current_, std::move(runner), now + scaled(kStartSeconds + read), std::move(error)};
}

void Scheduler::end_load(TimePoint now) {
    auto loading = std::move(*loading_);
    loading_.reset();
    auto const id = loading.ticket;
    auto& ticket = tickets_.at(id);
    auto const& name = loading.runner.model->name;
    if (!loading.error.empty()) {
        books_->vram.give_back(loading.runner.held);
        if (loading.error == kOutOfMemory && recover_from_out_of_memory(ticket, now)) {
            return;
        }
        ++books_->count.failed_loads;
        books_->note(now, "load_failed", name, loading.runner.held, loading.error);
        answer(id, {500, loading.error, {}});
        tickets_.erase(id);
        current_.reset();
        return;
    }
    ++books_->count.loads;
    books_->note(
        now,
        "load",
        name,
        loading.runner.held,
        "num_ctx " + std::to_string(loading.runner.settings.num_ctx)
    );
    auto const key = loading.runner.model->weights->blob;
    auto const session = *loading.runner.session;
    loading.runner.expires = session == kForever ? std::nullopt : std::optional(now + session);
    loading.runner.refs = 1;
    ticket.runner = key;
    runners_.emplace(key, std::move(loading.runner));
    current_.reset();
    answer(id, {200, {}, key});
}

// An automatic context is cut once, else all others are evicted once.
bool Scheduler::recover_from_out_of_memory(Ticket& ticket, TimePoint now) {
    auto& settings = ticket.wanted.settings;
    if (settings.ctx_is_automatic && ticket.memory_retries == 0 && settings.num_ctx > 4096) {
        settings.num_ctx = settings.num_ctx > 32768 ? 32768 : 4096;
        ++ticket.memory_retries;
        return true;
    }
    if (ticket.memory_retries < 2 && !runners_.empty()) {
        ticket.memory_retries = 2;
        for (auto& [key, runner] : runners_) {
            if (!runner.gone_at) {
                evict(runner, now, "out of memory while loading " + ticket.wanted.model->name);
            }
        }
        waits_for_unload_ = true;
        return true;
    }
    return false;
}

}  // namespace plimsoll::sim
