#include "support/catch.hpp"

#include <plimsoll/http/multipart.hpp>

#include <string>

using namespace plimsoll;
using namespace plimsoll::http;

namespace {

constexpr std::string_view kType = "multipart/form-data; boundary=XX";

std::string part(std::string const& disposition, std::string const& content) {
    return "--XX\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + content + "\r\n";
}

Result<std::string> model(std::string const& body, std::string_view type = kType) {
    return form_field(type, body, "model");
}

}  // namespace

TEST_CASE("multipart: the first field of the name that is no file", "[http][multipart]") {
    std::string const file =
        part("name=\"file\"; filename=\"a.wav\"", "RIFF\r\n--X\r\n--XXY\r\nmodel");
    auto const found = model(
        file + part("name=\"model\"; filename=\"m\"", "file") + part("name=\"Model\"", "case") +
        part("name=\"model\"", "whisper:1") + part("name=\"model\"", "second") + "--XX--\r\n"
    );
    REQUIRE(found);
    CHECK(*found == "whisper:1");
    CHECK(*model(part("name=model", "") + "--XX--") == "");
    CHECK(*model(part("NAME=\"model\"; filename=\"\"", "v") + "--XX--") == "v");
    CHECK(
        *model(part("name=\"model\"", "a\r\n\r\n--XXb\r\nc") + "--XX--") == "a\r\n\r\n--XXb\r\nc"
    );
    CHECK(
        *model("--XX \t\r\ncontent-disposition:form-data;name=model\r\nX: y\r\n\r\nv\r\n--XX--") ==
        "v"
    );
    CHECK(*model("--XX\r\nContent-Disposition: form-data; name=model\r\n\r\n--XX--") == "");
    CHECK(
        *model(
            "--a b\r\nContent-Disposition: form-data; name=model\r\n\r\nv\r\n--a b--",
            "Multipart/Form-Data; charset=x; Boundary=\"a b\""
        ) == "v"
    );
}

TEST_CASE("multipart: a form without the field says so", "[http][multipart]") {
    for (auto const& body :
         {part("name=\"file\"; filename*=utf-8''m", "x") + "--XX--",
          std::string("--XX--"),
          std::string("--XX\r\nContent-Disposition: attachment; name=model\r\n\r\nv\r\n--XX--")}) {
        INFO(body);
        auto const found = model(body);
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::NotFound);
    }
}

TEST_CASE("multipart: what could be read in two ways is refused", "[http][multipart]") {
    for (auto const& body :
         {std::string(),
          std::string("model"),
          std::string("preamble\r\n--XX\r\n"),
          std::string("--XX"),
          std::string("--XX\nContent-Disposition: form-data; name=model\n\nv\n--XX--"),
          std::string("--XX\r\nContent-Disposition: form-data; name=model\r\n\r\nv"),
          std::string("--XX\r\nContent-Disposition: form-data;\r\n name=model\r\n\r\nv\r\n--XX--"),
          std::string("--XX\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: "
                      "form-data; name=model\r\n\r\nv\r\n--XX--"),
          std::string("--XX\r\nContent-Disposition: form-data; "
                      "name=model\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\r\nv\r\n--XX--"
          ),
          part("name=a; name=model", "v") + "--XX--",
          part("name*=utf-8''model", "v") + "--XX--",
          part("name*0=mo; name*1=del", "v") + "--XX--",
          part("name=\"model", "v") + "--XX--",
          part("name", "v") + "--XX--",
          part("name=model x", "v") + "--XX--",
          part("name=\"file\"", "v") + "--XX-\r\n",
          part("name=\"file\"", "v") + "--XX\n"}) {
        INFO(body);
        auto const found = model(body);
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::BadRequest);
    }
    for (std::string_view const type :
         {"",
          "application/json",
          "multipart/form-data",
          "multipart/form-data; boundary=",
          "multipart/mixed; boundary=XX",
          "multipart/form-data; boundary=XX; boundary=YY",
          "multipart/form-data; boundary"}) {
        INFO(type);
        auto const found = model(part("name=model", "v") + "--XX--", type);
        REQUIRE_FALSE(found);
        CHECK(found.error().code == Errc::BadRequest);
    }
}

TEST_CASE(
    "multipart: a body cut at any byte gives the field or a refusal, never another field",
    "[http][multipart]"
) {
    std::string const body =
        part("name=\"file\"; filename=\"a\\\"b\"", "data") + part("name=\"model\"", "m") + "--XX--";
    for (std::size_t size = 0; size <= body.size(); ++size) {
        auto const found = model(body.substr(0, size));
        CHECK((!found || *found == "m"));
    }
    CHECK(model(body));
}
