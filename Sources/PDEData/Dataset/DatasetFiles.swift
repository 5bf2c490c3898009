// The names under which a dataset is written, and what is done about files that are there already.

import Spectral

/// What to do where the output, or an unfinished part of it, exists.
public enum ExistingOutput: Sendable, Hashable {
  /// Say so, and change nothing.
  case refuse
  /// Begin anew; the old file is replaced when the new one is whole.
  case replace
  /// Go on from where it was left.
  case resume
}

/// The files of one dataset: `F.nc` when it is whole, `F.nc.partial` until then.
public struct DatasetFiles: Sendable, Hashable {
  public let path: String

  public init(path: String) { self.path = path }

  public var partial: String { path + ".partial" }
  /// A partial file that does not have all its places yet.
  var draft: String { path + ".partial.new" }

  /// Throws where `policy` does not allow to write this dataset; says whether there is something to continue.
  public func check(_ policy: ExistingOutput) throws(DatasetError) -> Continuation {
    // A file cannot take a folder's name, which would be known only when the dataset is whole.
    for name in [path, partial] where FileSystem.isFolder(name) {
      throw DatasetError(.cannotCreate, path: name, "is a folder; the name of a file was expected")
    }
    for name in [path, partial] where FileSystem.isSpecial(name) {
      throw DatasetError(.cannotCreate, path: name, "is a device or a pipe; the name of a file was expected")
    }
    let isWhole = FileSystem.exists(path)
    let isBegun = FileSystem.exists(partial)
    switch policy {
    case .replace: return .none
    case .resume: return isBegun ? .partial : isWhole ? .whole : .none
    case .refuse:
      if isWhole {
        throw DatasetError(.cannotCreate, path: path, "exists already; --force replaces it")
      }
      if isBegun {
        throw DatasetError(
          .cannotCreate, path: partial,
          "is an unfinished dataset; --resume continues it, --force begins anew")
      }
      return .none
    }
  }

  public enum Continuation: Sendable, Hashable {
    case none, partial, whole
  }

  /// Plans Fourier transforms as the process did that began the partial file, so that the continuation has the same
  /// bits; to be called before any plan is made. Throws where this FFTW does not take its wisdom.
  public func restoreTransformPlans() throws(DatasetError) {
    let reader = try DatasetReader(path: partial)
    func text(_ name: String) throws(DatasetError) -> String {
      guard let variable = reader.variables.first(where: { $0.name == name && $0.type == .string }) else {
        return ""
      }
      return try reader.file.readText(variable.id, named: name)
    }
    guard let effort = reader.text(Self.planningName).flatMap(FFTPlanner.Effort.init) else { return }
    FFTPlanner.effort = effort
    let wisdom = FFTPlanner.Wisdom(
      float32: try text(Self.wisdomNames.float32), float64: try text(Self.wisdomNames.float64))
    guard effort == .estimate || FFTPlanner.replaceWisdom(with: wisdom) else {
      throw DatasetError(
        .invalidData, path: partial,
        "was begun with another version of FFTW and cannot be continued to the same values; --force begins anew"
      )
    }
  }

  static let planningName = "fft_planning"
  static let wisdomNames = (float32: "fftw_wisdom_float32", float64: "fftw_wisdom_float64")
}

extension DatasetSchema {
  /// Adds how Fourier transforms are planned, with the wisdom gathered so far; see
  /// ``DatasetFiles/restoreTransformPlans()``.
  public mutating func addTransformPlans() {
    let wisdom = FFTPlanner.wisdom
    // Where measuring was not possible, plans were estimated whatever was asked for.
    let isMeasured = FFTPlanner.effort != .estimate && !(wisdom.float32.isEmpty && wisdom.float64.isEmpty)
    set(DatasetFiles.planningName, .text((isMeasured ? FFTPlanner.effort : .estimate).rawValue))
    guard isMeasured else { return }
    for (name, text) in [
      (DatasetFiles.wisdomNames.float32, wisdom.float32), (DatasetFiles.wisdomNames.float64, wisdom.float64),
    ] where !text.isEmpty {
      variables.append(
        Variable(
          name: name, type: .string, dimensions: [],
          attributes: [Attribute("long_name", "plans of the Fourier transforms that made these data")],
          fixedValues: .text(text)))
    }
  }
}
