#pragma once
// Lines out of pieces of any size. Pure.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace plimsoll::app {

class LineReader {
  public:
    void add(std::string_view piece) { buffer_ += piece; }

    // The next whole line, without its end.
    std::optional<std::string> next() {
        auto const end = buffer_.find('\n', searched_);
        if (end == std::string::npos) {
            // One long line in many pieces must not be searched from its start with each.
            buffer_.erase(0, begin_);
            begin_ = 0;
            searched_ = buffer_.size();
            return std::nullopt;
        }
        auto line = buffer_.substr(begin_, end - begin_);
        begin_ = end + 1;
        searched_ = begin_;
        return line;
    }

    // What has no end yet.
    [[nodiscard]] std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }

  private:
    std::string buffer_;
    std::size_t begin_ = 0;  // what is before has been handed out
    std::size_t searched_ = 0;
};

}  // namespace plimsoll::app
