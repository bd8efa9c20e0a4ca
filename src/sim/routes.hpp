#pragma once
// The handlers of all routes. Each answers the request; `body` is whole and outlives the call.

#include "sim/session.hpp"

#include <string_view>

namespace plimsoll::sim {

net::Task<void> serve_generate(Session& session, std::string_view body);
net::Task<void> serve_chat(Session& session, std::string_view body);
net::Task<void> serve_embed(Session& session, std::string_view body);
net::Task<void> serve_embeddings(Session& session, std::string_view body);

net::Task<void> serve_openai_chat(Session& session, std::string_view body);
net::Task<void> serve_openai_completions(Session& session, std::string_view body);
net::Task<void> serve_openai_embeddings(Session& session, std::string_view body);
net::Task<void> serve_openai_responses(Session& session, std::string_view body);
net::Task<void> serve_transcriptions(Session& session, std::string_view body);
net::Task<void> serve_messages(Session& session, std::string_view body);

net::Task<void> serve_root(Session& session, std::string_view body);
net::Task<void> serve_version(Session& session, std::string_view body);
net::Task<void> serve_status(Session& session, std::string_view body);
net::Task<void> serve_tags(Session& session, std::string_view body);
net::Task<void> serve_ps(Session& session, std::string_view body);
net::Task<void> serve_show(Session& session, std::string_view body);
net::Task<void> serve_openai_models(Session& session, std::string_view body);
net::Task<void> serve_openai_model(Session& session, std::string_view body);
net::Task<void> serve_recommendations(Session& session, std::string_view body);
net::Task<void> serve_account(Session& session, std::string_view body);

net::Task<void> serve_pull(Session& session, std::string_view body);
net::Task<void> serve_push(Session& session, std::string_view body);
net::Task<void> serve_create(Session& session, std::string_view body);
net::Task<void> serve_copy(Session& session, std::string_view body);
net::Task<void> serve_delete(Session& session, std::string_view body);
net::Task<void> serve_blob_head(Session& session, std::string_view body);
// Reads the body itself, piece by piece.
net::Task<void> serve_blob_upload(Session& session, std::string_view body);

net::Task<void> serve_get_faults(Session& session, std::string_view body);
net::Task<void> serve_set_faults(Session& session, std::string_view body);
net::Task<void> serve_clear_faults(Session& session, std::string_view body);
net::Task<void> serve_books(Session& session, std::string_view body);
net::Task<void> serve_reset_books(Session& session, std::string_view body);
net::Task<void> serve_reset(Session& session, std::string_view body);

}  // namespace plimsoll::sim
