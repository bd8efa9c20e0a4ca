#include "trace/words.hpp"

namespace plimsoll::trace {

// No `default` anywhere here: the compiler names the value that has no word.

std::string_view word_of(core::Form value) {
    switch (value) {
        case core::Form::Bare:
            return "bare";
        case core::Form::Pinned:
            return "pinned";
        case core::Form::Unknown:
            return "unknown";
    }
    return {};
}

std::string_view word_of(core::Priority value) {
    switch (value) {
        case core::Priority::Low:
            return "low";
        case core::Priority::Normal:
            return "normal";
        case core::Priority::High:
            return "high";
    }
    return {};
}

std::string_view word_of(core::KeepAlive::Kind value) {
    switch (value) {
        case core::KeepAlive::Kind::Zero:
            return "zero";
        case core::KeepAlive::Kind::For:
            return "for";
        case core::KeepAlive::Kind::Forever:
            return "forever";
    }
    return {};
}

std::string_view word_of(core::LoadFailure value) {
    switch (value) {
        case core::LoadFailure::OutOfMemory:
            return "out_of_memory";
        case core::LoadFailure::NotFound:
            return "not_found";
        case core::LoadFailure::Timeout:
            return "timeout";
        case core::LoadFailure::UpstreamDown:
            return "upstream_down";
        case core::LoadFailure::Busy:
            return "busy";
        case core::LoadFailure::Refused:
            return "refused";
        case core::LoadFailure::Aborted:
            return "aborted";
    }
    return {};
}

std::string_view word_of(core::TicketOutcome value) {
    switch (value) {
        case core::TicketOutcome::Done:
            return "done";
        case core::TicketOutcome::ClientGone:
            return "client_gone";
        case core::TicketOutcome::UpstreamError:
            return "upstream_error";
        case core::TicketOutcome::OutOfMemory:
            return "out_of_memory";
        case core::TicketOutcome::ConnectionLost:
            return "connection_lost";
    }
    return {};
}

std::string_view word_of(core::RefuseKind value) {
    switch (value) {
        case core::RefuseKind::DoesNotFit:
            return "does_not_fit";
        case core::RefuseKind::QueueFull:
            return "queue_full";
        case core::RefuseKind::Deadline:
            return "deadline";
        case core::RefuseKind::LoadFailed:
            return "load_failed";
        case core::RefuseKind::OutOfMemory:
            return "out_of_memory";
        case core::RefuseKind::NotFound:
            return "not_found";
        case core::RefuseKind::Barred:
            return "barred";
        case core::RefuseKind::Stuck:
            return "stuck";
        case core::RefuseKind::UpstreamDown:
            return "upstream_down";
        case core::RefuseKind::Unloaded:
            return "unloaded";
    }
    return {};
}

std::string_view word_of(core::Notice::Level value) {
    switch (value) {
        case core::Notice::Level::Info:
            return "info";
        case core::Notice::Level::Warning:
            return "warning";
        case core::Notice::Level::Alert:
            return "alert";
    }
    return {};
}

}  // namespace plimsoll::trace
