// chain: run, list, show, check, save, delete.

#include "app/chain_source.hpp"
#include "app/control_client.hpp"
#include "app/json_view.hpp"
#include "app/run.hpp"
#include "app/run_follow.hpp"
#include "app/run_views.hpp"

#include <plimsoll/base/text.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <spdlog/fmt/fmt.h>
#include <unistd.h>

#include <cstdio>

namespace plimsoll::app {
namespace {

namespace json = boost::json;
using Action = ChainOptions::Action;
using http::Method;

constexpr std::string_view kChains = "/plimsoll/v1/chains";

std::string path_of(std::string const& name) {
    return std::string(kChains) + "/" + name;
}

struct Source {
    std::string name;  // for messages
    json::value document;
};

// nullopt: what is wrong has been said.
std::optional<Source> read_chain(std::string const& file) {
    auto const source = read_source(file);
    if (!source) {
        complain(source.error().message);
        return std::nullopt;
    }
    auto document = parse_chain(*source, file);
    if (!document) {
        std::fprintf(stderr, "%s\n", document.error().c_str());
        return std::nullopt;
    }
    return Source{source->name, std::move(*document)};
}

Result<std::string> input_of(ChainOptions const& options) {
    bool const is_taken = options.file == "-";
    bool const is_piped = ::isatty(STDIN_FILENO) == 0;
    if (options.input ? *options.input != "-" : is_taken || !is_piped) {
        return options.input.value_or("");
    }
    auto read = read_source("-");
    return read ? Result<std::string>(std::move(read->text)) : fail(std::move(read).error());
}

// JSON carries UTF-8 only, and the daemon would complain of a place in a text that nobody wrote.
bool is_utf8(std::string const& text) {
    boost::system::error_code broken;
    static_cast<void>(json::parse(json::serialize(json::value(text)), broken));
    return !broken;
}

int run(ControlClient& client, ChainOptions const& options) {
    FollowOptions follow;
    follow.json = options.json;
    follow.quiet = options.quiet;
    json::object body{{"stream", true}};
    if (options.file.empty()) {
        follow.path = path_of(options.name) + "/run";
        follow.source = options.name;
    } else {
        auto source = read_chain(options.file);
        if (!source) {
            return 1;
        }
        follow.path = std::string(kChains) + "/run";
        follow.source = source->name;
        body["chain"] = std::move(source->document);
    }
    auto const input = input_of(options);
    if (!input) {
        return complain(input.error().message);
    }
    json::object vars;
    for (auto const& [name, value] : options.vars) {
        if (!is_utf8(name) || !is_utf8(value)) {
            return complain("--var " + printable(name, 80) + " is no UTF-8 text; convert it first");
        }
        vars[name] = value;
    }
    if (!is_utf8(*input)) {
        return complain("the input is no UTF-8 text; convert it first, with iconv for instance");
    }
    body["input"] = *input;
    body["vars"] = std::move(vars);
    follow.body = json::serialize(body);
    return follow_run(client, follow);
}

int check(ControlClient& client, ChainOptions const& options) {
    auto const source = read_chain(options.file);
    if (!source) {
        return 1;
    }
    auto const reply = client.call(
        Method::Post, std::string(kChains) + "/check", json::serialize(source->document)
    );
    if (!reply) {
        return complain(reply.error().message);
    }
    if (reply->status >= 400) {
        return complain(*reply, source->name);
    }
    auto const steps = JsonView(reply->body)["steps"].count();
    std::printf(
        "%s", fmt::format("{}: ok, {} step{}\n", source->name, steps, steps == 1 ? "" : "s").c_str()
    );
    return 0;
}

int save(ControlClient& client, ChainOptions const& options) {
    auto const source = read_chain(options.file);
    if (!source) {
        return 1;
    }
    auto const reply =
        client.call(Method::Put, path_of(options.name), json::serialize(source->document));
    if (!reply) {
        return complain(reply.error().message);
    }
    if (reply->status >= 400) {
        return complain(*reply, source->name);
    }
    std::printf("%s", describe_saved(reply->body).c_str());
    return 0;
}

std::string render(ChainOptions const& options, json::value const& answer) {
    if (options.json) {
        return json::serialize(answer) + '\n';
    }
    switch (options.action) {
        case Action::List:
            return render_chains(answer, terminal_of(1));
        case Action::Show:
            return render_chain(answer, terminal_of(1));
        default:
            return "Deleted " + options.name + '\n';
    }
}

int ask(ControlClient& client, ChainOptions const& options) {
    auto const method = options.action == Action::Delete ? Method::Delete : Method::Get;
    auto const path = options.action == Action::List ? std::string(kChains) : path_of(options.name);
    auto const reply = client.call(method, path, {});
    if (!reply) {
        return complain(reply.error().message);
    }
    if (reply->status >= 400) {
        return complain(*reply, options.name);
    }
    return write_out(render(options, reply->body)) ? 0 : 1;
}

}  // namespace

int run_chain(ChainOptions const& options) {
    auto client = ControlClient::make(options.url, options.key_file);
    if (!client) {
        complain(client.error().message);
        return 2;
    }
    switch (options.action) {
        case Action::Run:
            return run(*client, options);
        case Action::Check:
            return check(*client, options);
        case Action::Save:
            return save(*client, options);
        default:
            return ask(*client, options);
    }
}

}  // namespace plimsoll::app
