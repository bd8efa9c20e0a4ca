#pragma once
// What is wrong with a specification, and where.

#include <string>

namespace plimsoll::chain {

struct Problem {
    std::string pointer;  // JSON pointer (RFC 6901) into the document; "" is all of it
    std::string message;  // what is wrong there, and what to write instead
};

}  // namespace plimsoll::chain
