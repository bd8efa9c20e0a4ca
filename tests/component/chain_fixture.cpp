#include "chain_fixture.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace plimsoll::test {
namespace {

namespace json = boost::json;

// Without its chunks' heads.
std::string unchunked(std::string const& answer) {
    auto const body = body_of(answer);
    if (field_of(answer, "Transfer-Encoding") != "chunked") {
        return body;
    }
    std::string out;
    std::size_t at = 0;
    while (at < body.size()) {
        auto const end = body.find("\r\n", at);
        auto const size = std::stoul(body.substr(at, end - at), nullptr, 16);
        out += body.substr(end + 2, size);
        at = end + 2 + size + 2;
    }
    return out;
}

std::string with_input(std::string const& document, std::string const& input, bool is_stream) {
    auto object = parse_object(document);
    object["input"] = input;
    object["stream"] = is_stream;
    return json::serialize(object);
}

}  // namespace

json::object parse_object(std::string const& text) {
    boost::system::error_code broken;
    auto value = json::parse(text, broken);
    INFO(text);
    REQUIRE_FALSE(broken);
    REQUIRE(value.is_object());
    return std::move(value.get_object());
}

std::string text(json::object const& object, std::string_view key) {
    auto const* const value = object.if_contains(key);
    return value == nullptr || !value->is_string() ? std::string()
                                                   : std::string(value->get_string());
}

std::vector<json::object> of_kind(std::vector<json::object> const& events, std::string_view kind) {
    std::vector<json::object> out;
    for (auto const& event : events) {
        if (text(event, "event") == kind) {
            out.push_back(event);
        }
    }
    return out;
}

ChainFixture::ChainFixture(engine::EngineConfig config, chain::ChainsConfig chains_config)
    : ProxyFixture(std::move(config), {}, std::move(chains_config)) {
    for (std::string const name : {"a", "b", "c", "d"}) {
        ollama.models[name + ":1"] = {
            .weights = std::string(64, name.front()), .capabilities = {"completion", "tools"}
        };
    }
    say = [](Question const& question) {
        return Said{.content = question.model.substr(0, 1) + "(" + question.user + ")"};
    };
    ollama.on_inference = [this](net::Exchange& exchange) { return chat(exchange); };
}

net::Task<void> ChainFixture::chat(net::Exchange& exchange) {
    Question question;
    question.bytes = ollama.seen.back().body;
    question.body = parse_object(question.bytes);
    question.model = test::text(question.body, "model");
    for (auto const& each : question.body.at("messages").as_array()) {
        auto const& message = each.as_object();
        auto const role = test::text(message, "role");
        (role == "system" ? question.system : question.user) = test::text(message, "content");
    }
    question.nth =
        1 + static_cast<std::size_t>(std::ranges::count(asked, question.model, &Question::model));
    asked.push_back(question);
    auto const said = say(question);
    if (said.after > Duration{}) {
        auto const slept =
            co_await net::sleep_until(loop, loop.now() + said.after, &exchange.canceller());
        if (!slept) {
            co_return;
        }
    }
    if (said.status != 200) {
        auto const sent = co_await exchange.respond(
            http::error_reply(http::Dialect::Ollama, said.status, said.error)
        );
        static_cast<void>(sent);
        co_return;
    }
    http::Fields fields;
    fields.add("Content-Type", "application/x-ndjson");
    auto const started =
        co_await exchange.start(200, "OK", fields, {http::Framing::Kind::Chunked, 0}, true);
    REQUIRE(started);
    json::object line{
        {"model", question.model},
        {"message", {{"role", "assistant"}, {"content", said.content}}},
        {"done", false},
    };
    auto written = co_await exchange.write(json::serialize(line) + "\n");
    if (said.breaks_off) {
        exchange.abort();
        co_return;
    }
    line["message"] = json::object{{"role", "assistant"}, {"content", ""}};
    line["done"] = true;
    line["prompt_eval_count"] = 3;
    line["eval_count"] = 5;
    written = co_await exchange.write(json::serialize(line) + "\n");
    static_cast<void>(written);
    auto const finished = co_await exchange.finish();
    static_cast<void>(finished);
}

json::object ChainFixture::run(std::string const& document, std::string const& input) {
    return post_json("/plimsoll/v1/chains/run", with_input(document, input, false));
}

std::vector<json::object> ChainFixture::events(
    std::string const& document, std::string const& input
) {
    auto const answer =
        unchunked(post("/plimsoll/v1/chains/run", with_input(document, input, true)));
    std::vector<json::object> out;
    for (auto const line : split(answer, '\n')) {
        if (!line.empty()) {
            out.push_back(parse_object(std::string(line)));
        }
    }
    return out;
}

json::object ChainFixture::post_json(
    std::string const& path, std::string const& body, std::string const& fields
) {
    return parse_object(unchunked(post(path, body, fields)));
}

json::object ChainFixture::get_json(std::string const& path) {
    return parse_object(unchunked(get(path)));
}

std::string ChainFixture::request(
    std::string const& method, std::string const& path, std::string const& body
) {
    auto asked_for = post_text(path, body);
    return ask(method + asked_for.substr(4));
}

}  // namespace plimsoll::test
