#include "app/key_file.hpp"

#include <plimsoll/config/config.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>

namespace plimsoll::app {
namespace {

namespace fs = std::filesystem;

constexpr char const* kHeader =
    "# Keys of Plimsoll, kept by `plimsoll key`. Only hashes: a lost key cannot be read here.\n"
    "# Plimsoll reads it at its start and on SIGHUP. Comments are not kept.\n\n";

std::unexpected<Error> failed(fs::path const& file, std::string const& what) {
    Error error(
        Errc::Io, file.string() + ": " + what + ": " + std::system_category().message(errno)
    );
    error.cause = std::error_code(errno, std::system_category());
    return fail(std::move(error));
}

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}

    ~Descriptor() {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    Descriptor(Descriptor const&) = delete;
    Descriptor& operator=(Descriptor const&) = delete;

    [[nodiscard]] int get() const { return fd_; }

  private:
    int fd_;
};

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        auto const written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

// Whose the new file is to be; nullopt: ours.
std::optional<struct stat> owner_for(fs::path const& file, int folder) {
    struct stat status{};
    bool const is_known = ::stat(file.c_str(), &status) == 0 || ::fstat(folder, &status) == 0;
    return ::geteuid() == 0 && is_known ? std::optional(status) : std::nullopt;
}

Result<void> replace(fs::path const& file, int folder, std::string const& text) {
    auto const fresh = file.string() + ".new";
    ::unlink(fresh.c_str());  // of a run that was cut off; we hold the lock
    Descriptor const out(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
    );
    if (out.get() < 0) {
        return failed(fresh, "cannot be made");
    }
    auto const owner = owner_for(file, folder);
    bool const is_written = (!owner || ::fchown(out.get(), owner->st_uid, owner->st_gid) == 0) &&
                            write_all(out.get(), text) && ::fsync(out.get()) == 0 &&
                            ::rename(fresh.c_str(), file.c_str()) == 0;
    if (!is_written) {
        auto error = failed(file, "cannot be written");
        ::unlink(fresh.c_str());
        return error;
    }
    ::fsync(folder);
    return {};
}

}  // namespace

Result<void> change_key_file(fs::path const& file, KeyChange const& change) {
    auto const parent = file.has_parent_path() ? file.parent_path() : fs::path(".");
    std::error_code ignored;  // open() says what is wrong with the place
    fs::create_directories(parent, ignored);
    Descriptor const folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0) {
        return failed(parent, "cannot be opened");
    }
    if (::flock(folder.get(), LOCK_EX) != 0) {
        return failed(parent, "cannot be locked");
    }
    auto keys = config::read_key_file(file);
    if (!keys) {
        return fail(Errc::Invalid, to_string(keys.error().front()));
    }
    auto changed = change(*keys);
    if (!changed) {
        return changed;
    }
    return replace(file, folder.get(), kHeader + config::to_toml(*keys));
}

}  // namespace plimsoll::app
