#pragma once
// Texts with places for values: "Summarise {step.search} for {vars.reader}: {input}". Pure.

#include <plimsoll/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plimsoll::chain {

// What a place in a text stands for.
struct Reference {
    enum class Kind : std::uint8_t {
        Input,     // {input}: what the step before gave; of the first step, the run's input
        Original,  // {original}: the run's input
        Step,      // {step.NAME}, {step.N}: what that step gave; N counts from 1
        Variable,  // {vars.NAME}
        Item,      // {item}: inside a map, the item at hand
        Index,     // {index}: inside a map, its number from 1
        Round,     // {round}: inside a loop, its number from 1
    };

    Kind kind = Kind::Input;
    std::string name;        // of a step or variable; a step's number as it was written
    std::size_t column = 0;  // of the brace, in bytes from 1

    // As it was written: "{step.search}".
    [[nodiscard]] std::string written() const;
};

class Template {
  public:
    // {{ and }} are braces themselves. The error is a sentence with the column, what is wrong there
    // and what to write.
    static std::expected<Template, std::string> parse(std::string_view text);

    // In the order of the text.
    [[nodiscard]] std::vector<Reference> references() const;

    // Values are put in as they are: braces in them mean nothing. Error TooLarge, with both sizes,
    // if the text would be longer than `limit` bytes.
    [[nodiscard]] Result<std::string> render(
        std::function<std::string_view(Reference const&)> const& value, std::size_t limit
    ) const;

  private:
    struct Piece {
        std::string text;                    // before the place
        std::optional<Reference> reference;  // nullopt: the end of the text
    };

    std::vector<Piece> pieces_;
};

// What steps and variables may be called: 1 to 64 of letters, digits, "_" and "-".
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace plimsoll::chain
