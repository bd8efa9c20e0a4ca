#include <plimsoll/net/body.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace plimsoll::net {

namespace {

// From here on the block is mapped directly: it grows by moving pages (mremap), costs only what was
// filled, and goes back to the system at once. The allocator would raise its own threshold after
// the first such block and then copy.
constexpr std::size_t kMapFrom = 128 * 1024;

std::size_t rounded(std::size_t size) {
    static std::size_t const page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return (size + page - 1) / page * page;
}

void* checked(void* block) {
    if (block == nullptr || block == MAP_FAILED) {
        throw std::bad_alloc();
    }
    return block;
}

void release(char* data, std::size_t capacity) {
    if (capacity >= kMapFrom) {
        ::munmap(data, capacity);
    } else {
        std::free(data);
    }
}

}  // namespace

Body::~Body() {
    clear();
}

Body::Body(Body&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

Body& Body::operator=(Body&& other) noexcept {
    if (this != &other) {
        clear();
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
    }
    return *this;
}

void Body::reserve(std::size_t size) {
    if (size <= capacity_) {
        return;
    }
    if (size < kMapFrom) {
        data_ = static_cast<char*>(checked(std::realloc(data_, size)));
        capacity_ = size;
        return;
    }
    std::size_t const wanted = rounded(size);
    if (capacity_ >= kMapFrom) {
        data_ = static_cast<char*>(checked(::mremap(data_, capacity_, wanted, MREMAP_MAYMOVE)));
    } else {
        void* const block = checked(
            ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        );
        if (size_ > 0) {
            std::memcpy(block, data_, size_);
        }
        std::free(data_);
        data_ = static_cast<char*>(block);
    }
    capacity_ = wanted;
}

void Body::append(std::string_view bytes) {
    if (!bytes.empty()) {
        std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
        commit(bytes.size());
    }
}

std::span<char> Body::prepare(std::size_t at_least) {
    std::size_t const needed = size_ + at_least;
    if (needed > capacity_) {
        // A quarter more than needed: bodies without a known length stay within the promised factor
        // of their size, because pages that were never written cost nothing.
        reserve(std::max<std::size_t>(needed + needed / 4, 1024));
    }
    return {data_ + size_, capacity_ - size_};
}

void Body::commit(std::size_t size) {
    size_ += size;
}

void Body::clear() {
    if (data_ != nullptr) {
        release(data_, capacity_);
    }
    data_ = nullptr;
    size_ = 0;
    capacity_ = 0;
}

}  // namespace plimsoll::net
