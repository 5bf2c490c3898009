// Reading and writing the values of variables, block by block.

import CNetCDF
import Tensors

/// A rectangular block of a variable: where it begins along each dimension, how many entries, and the distance
/// between them.
struct Hyperslab: Sendable, Hashable {
  var start: [Int]
  var count: [Int]
  var stride: [Int]

  init(start: [Int], count: [Int], stride: [Int]? = nil) {
    self.start = start
    self.count = count
    self.stride = stride ?? [Int](repeating: 1, count: start.count)
  }

  var valueCount: Int { count.reduce(1, *) }
  var isContiguous: Bool { stride.allSatisfy { $0 == 1 } }
}

extension NetCDFFile {
  /// Lets values pass between file and memory without a copy in the library's chunk cache: right for chunks that
  /// are not compressed. Compressed ones keep enough cache for `compressedBytes`.
  func tuneCache(of variable: VariableID, compressedBytes: Int) throws(DatasetError) {
    try check(.inquire) {
      var storage: Int32 = 0
      var chunk = [Int](repeating: 0, count: Int(NC_MAX_VAR_DIMS))
      guard nc_inq_var_chunking(raw, variable.raw, &storage, &chunk) == NC_NOERR, storage == NC_CHUNKED else {
        return NC_NOERR
      }
      var filters = 0
      let status = nc_inq_var_filter_ids(raw, variable.raw, &filters, nil)
      guard status == NC_NOERR || status == NC_ENOFILTER else { return status }
      return filters == 0
        ? nc_set_var_chunk_cache(raw, variable.raw, 1, 1, 0)
        : nc_set_var_chunk_cache(raw, variable.raw, compressedBytes, 1009, 0.75)
    }
  }

  /// The values of a block, converted to `Element`. Values too large for it become infinite.
  func read<Element: Scalar>(
    _ variable: VariableID, named name: String, _ slab: Hyperslab,
    into values: UnsafeMutablePointer<Element>
  ) throws(DatasetError) {
    guard slab.valueCount > 0 else { return }
    try check(.read, variable: name) {
      let status =
        if Element.self == Float.self {
          values.withMemoryRebound(to: Float.self, capacity: slab.valueCount) {
            nc_get_vars_float(raw, variable.raw, slab.start, slab.count, slab.stride, $0)
          }
        } else {
          values.withMemoryRebound(to: Double.self, capacity: slab.valueCount) {
            nc_get_vars_double(raw, variable.raw, slab.start, slab.count, slab.stride, $0)
          }
        }
      return status == NC_ERANGE ? NC_NOERR : status
    }
  }

  /// The bytes of a block, as they are (of the variable's own type).
  func readBytes(
    _ variable: VariableID, named name: String, _ slab: Hyperslab, into bytes: UnsafeMutableRawPointer
  ) throws(DatasetError) {
    guard slab.valueCount > 0 else { return }
    try check(.read, variable: name) { nc_get_vara(raw, variable.raw, slab.start, slab.count, bytes) }
  }

  /// Bytes of the variable's own type.
  func writeBytes(
    _ variable: VariableID, named name: String, _ slab: Hyperslab, from bytes: UnsafeRawPointer
  ) throws(DatasetError) {
    guard slab.valueCount > 0 else { return }
    try check(.write, variable: name) {
      slab.isContiguous
        ? nc_put_vara(raw, variable.raw, slab.start, slab.count, bytes)
        : nc_put_vars(raw, variable.raw, slab.start, slab.count, slab.stride, bytes)
    }
  }

  /// Numbers, converted to the variable's type.
  func write<Element: Scalar>(
    _ variable: VariableID, named name: String, _ slab: Hyperslab, from values: UnsafePointer<Element>
  ) throws(DatasetError) {
    guard slab.valueCount > 0 else { return }
    try check(.write, variable: name) {
      if Element.self == Float.self {
        values.withMemoryRebound(to: Float.self, capacity: slab.valueCount) {
          nc_put_vars_float(raw, variable.raw, slab.start, slab.count, slab.stride, $0)
        }
      } else {
        values.withMemoryRebound(to: Double.self, capacity: slab.valueCount) {
          nc_put_vars_double(raw, variable.raw, slab.start, slab.count, slab.stride, $0)
        }
      }
    }
  }

  /// The text of a scalar string variable.
  func readText(_ variable: VariableID, named name: String) throws(DatasetError) -> String {
    var pointer: UnsafeMutablePointer<CChar>?
    try check(.read, variable: name) { nc_get_var(raw, variable.raw, &pointer) }
    let text = pointer.map { String(cString: $0) } ?? ""
    _ = NetCDFLibrary.call { nc_free_string(1, &pointer) }
    return text
  }

  func writeText(_ text: String, to variable: VariableID, named name: String) throws(DatasetError) {
    try check(.write, variable: name) {
      text.withCString { pointer in
        var pointer: UnsafePointer<CChar>? = pointer
        return nc_put_var(raw, variable.raw, &pointer)
      }
    }
  }
}
