#pragma once
// SHA-256 of blobs and made-up manifests.

#include <memory>
#include <string>
#include <string_view>

namespace plimsoll::sim {

std::string sha256_hex(std::string_view bytes);

class Sha256 {
  public:
    Sha256();
    ~Sha256();
    Sha256(Sha256 const&) = delete;
    Sha256& operator=(Sha256 const&) = delete;
    void update(std::string_view bytes);
    [[nodiscard]] std::string hex();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace plimsoll::sim
