// /v1/audio/transcriptions: a form with a file and the model's name.
#include "sim/openai_common.hpp"
#include "sim/routes.hpp"

#include <plimsoll/http/multipart.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace plimsoll::sim {

namespace {

class Transcription final : public Dialect {
  public:
    explicit Transcription(bool plain) : plain_(plain) {}

    [[nodiscard]] std::string_view stream_type() const override { return whole_type(); }

    [[nodiscard]] std::string_view whole_type() const override {
        return plain_ ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
    }

    [[nodiscard]] std::string_view error_type() const override { return "application/json"; }

    std::string begin(Stats const&) override { return {}; }

    std::string piece(Piece const& piece, std::size_t) override { return piece.text; }

    std::string end(Stats const&) override { return {}; }

    std::string whole(Answer const& answer, Stats const&) override {
        auto text = answer.text(Piece::Kind::Text);
        return plain_ ? text
                      : boost::json::serialize(boost::json::object{{"text", std::move(text)}});
    }

    std::string preloaded(Stats const& stats, std::string_view) override {
        return whole({}, stats);
    }

    std::string error(unsigned status, std::string_view text) override {
        return openai_error_body(status, text) + "\n";
    }

    std::string broken(std::string_view) override { return {}; }

  private:
    bool plain_;
};

OrRefused<Inference> read(World const& world, std::string model_name, std::string_view body) {
    Inference out;
    auto asked = find_model(world, std::move(model_name), NameStyle::Chat);
    if (!asked) {
        return std::unexpected(asked.error());
    }
    out.asked = std::move(*asked);
    auto const& model = *out.asked.model;
    if (!model.can("audio")) {
        return refuse(400, "\"" + out.asked.text + "\" does not support audio");
    }
    auto const options = plain_options(model, nullptr);
    if (!options) {
        return std::unexpected(options.error());
    }
    out.options = *options;
    out.question.prompt = std::string(body.substr(0, 65536));
    out.question.model = model.name;
    out.question.seed = world.config.seed;
    return out;
}

}  // namespace

net::Task<void> serve_transcriptions(Session& session, std::string_view body) {
    auto const type = session.exchange().head().fields.get("Content-Type").value_or("");
    auto const model = http::form_field(type, body, "model");
    if (!model && model.error().code == Errc::BadRequest) {
        co_await openai_error(session, {400, model.error().message});
        co_return;
    }
    auto inference = read(session.world(), model.value_or(""), body);
    if (!inference) {
        co_await openai_error(session, inference.error());
        co_return;
    }
    auto const format = http::form_field(type, body, "response_format");
    Transcription dialect(format.has_value() && *format == "text");
    co_await infer(session, std::move(*inference), dialect);
}

}  // namespace plimsoll::sim
