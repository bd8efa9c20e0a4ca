#include "app/takeover/record.hpp"

#include "app/json_view.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace plimsoll::app::takeover {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kVersion = 1;

json::object address_json(Address const& address) {
    return {{"host", address.host}, {"port", address.port}};
}

Address address_of(JsonView view) {
    return {view["host"].text(), static_cast<std::uint16_t>(view["port"].count())};
}

json::array texts_json(std::vector<std::string> const& texts) {
    json::array out;
    for (auto const& text : texts) {
        out.emplace_back(text);
    }
    return out;
}

std::vector<std::string> texts_of(JsonView view) {
    std::vector<std::string> out;
    for (auto const& item : view.items()) {
        out.push_back(item.text());
    }
    return out;
}

}  // namespace

std::string to_json(Record const& record) {
    json::array files;
    for (auto const& file : record.files) {
        files.push_back(json::object{
            {"path", file.path.string()},
            {"previous", file.previous ? json::value(*file.previous) : json::value(nullptr)},
            {"written", file.written},
            {"made_folder", file.made_folder},
        });
    }
    json::object out;
    out["version"] = kVersion;
    out["state"] = record.is_done ? "done" : "begun";
    out["ollama_was"] = address_json(record.ollama_was);
    out["ollama_now"] = address_json(record.ollama_now);
    out["plimsoll_now"] = address_json(record.plimsoll_now);
    out["plimsoll_units"] = texts_json(record.plimsoll_units);
    out["active_before"] = texts_json(record.active_before);
    out["made_folder"] = record.made_folder;
    out["files"] = std::move(files);
    return json::serialize(out) + '\n';
}

Result<Record> parse_record(std::string_view text) {
    boost::system::error_code error;
    auto const value = json::parse(text, error);
    JsonView const view(value);
    if (error || view["version"].count() != kVersion || !view["files"].exists()) {
        return fail(
            Errc::Invalid,
            std::string(kRecordFile) +
                " is no record of this version; take the drop-ins "
                "plimsoll.conf of ollama.service and takeover.conf of "
                "plimsoll.service away by hand, then delete it"
        );
    }
    Record out;
    out.is_done = view["state"].text() == "done";
    out.ollama_was = address_of(view["ollama_was"]);
    out.ollama_now = address_of(view["ollama_now"]);
    out.plimsoll_now = address_of(view["plimsoll_now"]);
    out.made_folder = view["made_folder"].is_true();
    out.plimsoll_units = texts_of(view["plimsoll_units"]);
    out.active_before = texts_of(view["active_before"]);
    for (auto const& file : view["files"].items()) {
        auto const previous = file["previous"];
        out.files.push_back(
            {file["path"].text(),
             previous.exists() ? std::optional(previous.text()) : std::nullopt,
             file["written"].text(),
             file["made_folder"].is_true()}
        );
    }
    return out;
}

Result<std::optional<Record>> load_record(Host& host) {
    auto const text = host.read(kRecordFile);
    if (!text) {
        return fail(text.error());
    }
    if (!*text) {
        return std::optional<Record>();
    }
    auto record = parse_record(**text);
    if (!record) {
        return fail(record.error());
    }
    return std::optional(std::move(*record));
}

}  // namespace plimsoll::app::takeover
