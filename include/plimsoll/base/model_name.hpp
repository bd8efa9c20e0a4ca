#pragma once
// A model name as Ollama reads it: [scheme://][host/][namespace/]model[:tag] with defaults
// registry.ollama.ai, library and latest. Two spellings of one model compare equal through key().
// Pure value, any thread.

#include <plimsoll/base/result.hpp>

#include <string>
#include <string_view>

namespace plimsoll {

class ModelName {
  public:
    // Trims, strips a source suffix (":cloud", "-cloud" tag, ":local") and checks each part's
    // grammar and length. Errors: BadRequest "invalid model name"; BadRequest for both suffixes at
    // once; NotFound for an empty name.
    static Result<ModelName> parse(std::string_view text);

    [[nodiscard]] std::string const& host() const { return host_; }

    [[nodiscard]] std::string const& space() const { return space_; }

    [[nodiscard]] std::string const& model() const { return model_; }

    [[nodiscard]] std::string const& tag() const { return tag_; }

    // An explicit cloud name: runs remotely and needs no VRAM.
    [[nodiscard]] bool is_cloud() const { return cloud_; }

    [[nodiscard]] bool is_local() const { return local_; }

    // The shortest form with its tag, in the spelling given: "smollm2:135m", "user/model:latest".
    [[nodiscard]] std::string short_name() const;
    // Case-folded full form; equal keys name the same stored model.
    [[nodiscard]] std::string key() const;

  private:
    std::string host_, space_, model_, tag_;
    bool cloud_ = false;
    bool local_ = false;
};

}  // namespace plimsoll
