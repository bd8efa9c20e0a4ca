#include <plimsoll/base/address.hpp>
#include <plimsoll/base/text.hpp>

namespace plimsoll {

bool is_loopback(std::string_view address) {
    bool const is_ipv4 = address.find_first_not_of("0123456789.") == std::string_view::npos;
    return address.starts_with("unix:") || (is_ipv4 && address.starts_with("127.")) ||
           address == "::1" || iequals(address, "localhost");
}

}  // namespace plimsoll
