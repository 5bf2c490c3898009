// An open NetCDF file: dimensions and variables by typed ids, every failure told with its path.

import CNetCDF

struct DimensionID: Sendable, Hashable {
  let raw: Int32
}

struct VariableID: Sendable, Hashable {
  let raw: Int32
}

/// An open file of any format that NetCDF-C reads (NetCDF-4, HDF5, classic). Calls may come from any thread.
/// Closed by ``close()`` (which tells failures) or, where that was not reached, when it is released.
final class NetCDFFile: @unchecked Sendable {
  let path: String
  let raw: Int32
  private var isOpen = true

  enum Access {
    case read, update
  }

  init(opening path: String, for access: Access) throws(DatasetError) {
    var id: Int32 = -1
    let status = NetCDFLibrary.call { nc_open(path, access == .update ? NC_WRITE : NC_NOWRITE, &id) }
    guard status == NC_NOERR else {
      throw DatasetError(status: status, during: access == .update ? .update : .open, path: path)
    }
    self.path = path
    raw = id
  }

  /// Creates (or empties) a NetCDF-4 file, in define mode.
  init(creating path: String) throws(DatasetError) {
    var id: Int32 = -1
    let status = NetCDFLibrary.call { nc_create(path, NC_NETCDF4 | NC_CLOBBER, &id) }
    guard status == NC_NOERR else { throw DatasetError(status: status, during: .create, path: path) }
    self.path = path
    raw = id
  }

  deinit {
    if isOpen { _ = NetCDFLibrary.call { nc_close(raw) } }
  }

  func close() throws(DatasetError) {
    guard isOpen else { return }
    isOpen = false
    try check(.write) { nc_close(raw) }
  }

  /// Everything written so far reaches the operating system: another process sees it, a kill does not lose it.
  func synchronize() throws(DatasetError) { try check(.write) { nc_sync(raw) } }

  func check(
    _ operation: DatasetError.Operation, variable: String? = nil, _ body: () -> Int32
  ) throws(DatasetError) {
    let status = NetCDFLibrary.call(body)
    guard status == NC_NOERR else {
      throw DatasetError(status: status, during: operation, path: path, variable: variable)
    }
  }

  func string(_ bytes: [CChar]) -> String {
    String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  // MARK: Inquiry

  struct Counts {
    var dimensions = 0
    var variables = 0
    var attributes = 0
    var groups = 0
    var unlimited: Set<DimensionID> = []
    var isClassic = false
  }

  func counts() throws(DatasetError) -> Counts {
    var (dimensions, variables, attributes, unlimited) = (Int32(0), Int32(0), Int32(0), Int32(-1))
    var (format, groups, unlimitedCount) = (Int32(0), Int32(0), Int32(0))
    var unlimitedIDs = [Int32](repeating: -1, count: Int(NC_MAX_DIMS))
    try check(.inquire) {
      var status = nc_inq(raw, &dimensions, &variables, &attributes, &unlimited)
      if status == NC_NOERR { status = nc_inq_format(raw, &format) }
      if status == NC_NOERR, format == NC_FORMAT_NETCDF4 {
        status = nc_inq_grps(raw, &groups, nil)
        if status == NC_NOERR { status = nc_inq_unlimdims(raw, &unlimitedCount, &unlimitedIDs) }
      }
      return status
    }
    var ids = Set(unlimitedIDs.prefix(Int(unlimitedCount)).map { DimensionID(raw: $0) })
    if unlimited >= 0 { ids.insert(DimensionID(raw: unlimited)) }
    return Counts(
      dimensions: Int(dimensions), variables: Int(variables), attributes: Int(attributes),
      groups: Int(groups), unlimited: ids,
      isClassic: format != NC_FORMAT_NETCDF4 && format != NC_FORMAT_NETCDF4_CLASSIC)
  }

  func dimension(_ id: DimensionID) throws(DatasetError) -> (name: String, length: Int) {
    var name = [CChar](repeating: 0, count: Int(NC_MAX_NAME) + 1)
    var length = 0
    try check(.inquire) { nc_inq_dim(raw, id.raw, &name, &length) }
    return (string(name), length)
  }

  func variable(
    _ id: VariableID
  ) throws(DatasetError) -> (name: String, type: NetCDFType?, dimensions: [DimensionID], attributes: Int) {
    var name = [CChar](repeating: 0, count: Int(NC_MAX_NAME) + 1)
    var (type, rank, attributes) = (nc_type(0), Int32(0), Int32(0))
    var dimensions = [Int32](repeating: 0, count: Int(NC_MAX_VAR_DIMS))
    try check(.inquire) { nc_inq_var(raw, id.raw, &name, &type, &rank, &dimensions, &attributes) }
    return (
      string(name), NetCDFType(rawValue: type), dimensions.prefix(Int(rank)).map { DimensionID(raw: $0) },
      Int(attributes)
    )
  }

  // MARK: Definition

  func defineDimension(_ name: String, length: Int?) throws(DatasetError) -> DimensionID {
    var id: Int32 = -1
    try check(.write) { nc_def_dim(raw, name, length ?? Int(NC_UNLIMITED), &id) }
    return DimensionID(raw: id)
  }

  /// Defines a variable. `chunk`: its extent in the file, stored without filling it first; nil: contiguous.
  func defineVariable(
    _ name: String, _ type: NetCDFType, _ dimensions: [DimensionID], chunk: [Int]?
  ) throws(DatasetError) -> VariableID {
    var id: Int32 = -1
    let ids = dimensions.map(\.raw)
    try check(.write, variable: name) {
      var status = nc_def_var(raw, name, type.rawValue, Int32(ids.count), ids, &id)
      if status == NC_NOERR, let chunk {
        status = nc_def_var_chunking(raw, id, NC_CHUNKED, chunk)
        if status == NC_NOERR { status = nc_def_var_fill(raw, id, NC_NOFILL, nil) }
      }
      return status
    }
    return VariableID(raw: id)
  }

  func endDefinition() throws(DatasetError) { try check(.write) { nc_enddef(raw) } }
}
