// SPDX-License-Identifier: Apache-2.0
// Reads and writes checkpoints in the safetensors format.
//
// The format is that of https://github.com/huggingface/safetensors: eight bytes of little-endian
// header length, a JSON header, then the tensors' bytes. Values are little-endian, row-major.
#ifndef SZT_SAFETENSORS_H_
#define SZT_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace szt {

class MappedFile;

// One tensor of an open file.
struct TensorInfo {
  std::string name;
  std::string dtype;                 // as in the file: "F32", "BF16", "U8", ...
  std::vector<std::uint64_t> shape;  // empty for a scalar
  // Not aligned for the dtype: the format allows any offset. Copy values out with std::memcpy;
  // never cast the pointer. Valid while a SafetensorsFile that it came from lives.
  std::span<const std::byte> data;
};

// Bits of one element, 4 (F4) to 64 (C64, I64); 0 for a dtype that the format does not know.
int safetensors_dtype_bits(std::string_view dtype);

// A file open for reading, mapped where the system can map it and read whole where it cannot (a
// pipe). A copy shares the mapping. A file that another process cuts short while it is mapped kills
// the reader (SIGBUS), as with any mapping; AtomicFile never does that to a file.
//
// The constructor throws InputError for everything that the reference implementation refuses
// (truncated or over-long header, bad JSON, dtypes, shapes or offsets, data not covered exactly by
// the tensors), and also for what it lets pass: duplicate keys, keys other than dtype, shape and
// data_offsets in a tensor (they would be lost in a copy), null metadata, more than 64 dimensions,
// more than 2^63 - 1 bits (dimensions of 0 not counted), more than 2^20 metadata entries. It takes
// memory in proportion to the header, never to what the header claims.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  // The same of a file's bytes; `name` stands for its path in messages.
  SafetensorsFile(std::filesystem::path name, std::vector<std::byte> bytes);

  const std::filesystem::path& path() const { return path_; }

  // In the order of their data.
  std::span<const TensorInfo> tensors() const { return tensors_; }

  // nullptr when there is none of that name.
  const TensorInfo* find(std::string_view name) const;

  // Throws InputError, with the names nearest to it, when there is none of that name.
  const TensorInfo& at(std::string_view name) const;

  // `__metadata__`; empty when the file has none.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  SafetensorsFile(std::filesystem::path path, std::shared_ptr<const MappedFile> file);

  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> file_;
  std::vector<TensorInfo> tensors_;
  std::vector<std::size_t> by_name_;  // indices into tensors_, sorted by name
  std::map<std::string, std::string> metadata_;
};

// Collects tensors, then writes them in the reference implementation's layout: header padded with
// spaces to 8 bytes, tensors by falling alignment of their dtype and then by name, so that each one
// is aligned. The same tensors and metadata give the same bytes, whatever the order of the calls.
//
// Tensor data is never copied. The destination may be the very file that the data is mapped from:
// the mapping keeps the old bytes (see AtomicFile).
class SafetensorsWriter {
 public:
  // Takes the next bytes of a tensor.
  using Sink = std::function<void(std::span<const std::byte>)>;
  // Passes a tensor's bytes to the sink, in as many pieces as it likes.
  using Producer = std::function<void(const Sink&)>;

  // Each throws InputError for a name that is taken, reserved (`__metadata__`) or not UTF-8, an
  // unknown dtype, or a shape that does not fit the format or the data.
  //
  // `data` must stay valid until the last write().
  void add(std::string name, std::string dtype, std::vector<std::uint64_t> shape,
           std::span<const std::byte> data);
  // The writer keeps `data`: for small tensors made on the spot.
  void add(std::string name, std::string dtype, std::vector<std::uint64_t> shape,
           std::vector<std::byte>&& data);
  // `producer` is called once in each write(); there it is an error if it passes on more or fewer
  // bytes than the shape takes.
  void add(std::string name, std::string dtype, std::vector<std::uint64_t> shape,
           Producer producer);

  // Replaces an earlier value of the key. Throws InputError if either is not UTF-8.
  void set_metadata(std::string key, std::string value);

  // Throws InputError, and leaves the destination as it was, if it cannot be written.
  void write(const std::filesystem::path& path) const;
  // What write() writes.
  std::vector<std::byte> bytes() const;

 private:
  struct Tensor {
    std::string dtype;
    std::vector<std::uint64_t> shape;
    std::uint64_t bytes = 0;
    Producer producer;
  };

  void insert(std::string name, std::string dtype, std::vector<std::uint64_t> shape,
              std::optional<std::uint64_t> given_bytes, Producer producer);
  // `path` is for messages; the sink sees nothing of what cannot be written at all.
  void write_to(const std::filesystem::path& path, const Sink& sink) const;

  std::map<std::string, Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace szt

#endif  // SZT_SAFETENSORS_H_
