#pragma once
// Lenient reading of an /api/show answer: what is missing or of another type is simply not there.
// Values of one call.

#include <boost/json/object.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace plimsoll::memory {

// Integer metadata of the model's architecture.
class Metadata {
  public:
    explicit Metadata(boost::json::object const& show);

    [[nodiscard]] std::string const& architecture() const { return architecture_; }

    // "attention.head_count": the number, or the largest of an array. Arrays are null unless the
    // answer is verbose.
    [[nodiscard]] std::optional<std::uint32_t> number(std::string_view key) const;
    [[nodiscard]] std::uint32_t number_or(std::string_view key, std::uint32_t otherwise) const;
    // The number only if it is one, not an array.
    [[nodiscard]] std::optional<std::uint32_t> scalar(std::string_view key) const;
    // Numbers and truth values (one is true); empty: no array.
    [[nodiscard]] std::vector<std::uint32_t> array(std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const;
    // nullptr: not there.
    [[nodiscard]] boost::json::value const* find(std::string_view key) const;

  private:
    std::string architecture_;
    boost::json::object const* info_ = nullptr;
};

// One tensor of the list; its shape in GGUF order: inputs, outputs, experts.
struct Tensor {
    std::string name;
    std::string type;  // "Q4_K"
    std::vector<std::uint64_t> shape;
};

// The model's tensors. Those without a name or a shape are left out.
class Tensors {
  public:
    explicit Tensors(boost::json::object const& show);

    [[nodiscard]] bool is_empty() const { return rows_.empty(); }

    [[nodiscard]] std::vector<Tensor> const& list() const { return list_; }

    [[nodiscard]] bool has(std::string const& name) const { return rows_.contains(name); }

    // Outputs of a matrix (shape[1]), elements of a vector; 0: no such tensor.
    [[nodiscard]] std::uint32_t rows(std::string const& name) const;
    // The same of "blk.<layer>.<name>".
    [[nodiscard]] std::uint32_t rows(std::uint32_t layer, std::string_view name) const;
    [[nodiscard]] bool has(std::uint32_t layer, std::string_view name) const;
    // Inputs of a layer's matrix (shape[0]); 0: no such tensor.
    [[nodiscard]] std::uint64_t inputs(std::uint32_t layer, std::string_view name) const;
    // Largest over all layers.
    [[nodiscard]] std::uint32_t widest(std::uint32_t layers, std::string_view name) const;

  private:
    std::vector<Tensor> list_;
    std::unordered_map<std::string, std::uint32_t> rows_;
    std::unordered_map<std::string, std::uint64_t> inputs_;
};

}  // namespace plimsoll::memory
