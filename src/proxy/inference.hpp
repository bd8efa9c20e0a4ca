#pragma once
// An inference request while it runs: its body, held once, and what was found in it.

#include "proxy/body_hold.hpp"
#include "proxy/keep_alive.hpp"
#include "proxy/option_check.hpp"

#include <plimsoll/base/model_name.hpp>
#include <plimsoll/engine/engine.hpp>
#include <plimsoll/http/members.hpp>

#include <memory>
#include <optional>
#include <string>

namespace plimsoll::proxy {

struct Inference {
    explicit Inference(BodyPool& pool) : body(pool) {}

    HeldBody body;
    bool is_json = true;  // audio forms are sent on as they are
    bool is_stream = false;
    http::BodyMembers members;
    std::string model;  // as asked
    std::optional<ModelName> name;
    AskedOptions options;
    AskedKeepAlive keep_alive;
    engine::Engine* engine = nullptr;
    std::shared_ptr<upstream::ModelInfo const> info;
};

}  // namespace plimsoll::proxy
