#pragma once
// The text of one log line, without its time. Pure.

#include <plimsoll/log/log.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace plimsoll::log {

struct Record {
    Level level;
    std::string_view module;
    std::string_view message;
    std::initializer_list<Field> fields;
    std::string_view request;
};

// INFO  engine: Loaded gemma3:4b in 2.34 s model=gemma3:4b mib=3300 request=7f3a
std::string plain_line(Record const& record);
// {"level":"info","module":"engine","message":"...","model":"gemma3:4b","request":"7f3a"}
std::string json_line(Record const& record);

}  // namespace plimsoll::log
