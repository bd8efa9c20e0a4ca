#pragma once
// The Date field of answers that we make ourselves (RFC 9110 6.6.1), formatted once a second.

#include <ctime>
#include <string>
#include <string_view>

namespace plimsoll::net {

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string format_http_date(std::time_t when);

class DateField {
  public:
    // "Date: ...\r\n"; the view holds until the next call.
    std::string_view line();

  private:
    std::time_t formatted_at_ = -1;
    std::string line_;
};

}  // namespace plimsoll::net
