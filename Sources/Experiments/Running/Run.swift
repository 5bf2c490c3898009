// A run: the folder that training leaves.

import Foundation
import Operators
import PDEData

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The files of one training run.
public struct Run: Sendable, Equatable {
  public let folder: String

  public init(folder: String) { self.folder = folder }

  private var files: TrainingFiles { TrainingFiles(folder: folder, configuration: "") }
  /// The experiment with every default filled in.
  public var experiment: String { "\(folder)/experiment.yaml" }
  /// The best model on validation; without validation, that of the last epoch.
  public var model: String { files.model }
  /// The latest state of training.
  public var checkpoint: String { files.checkpoint }
  public var history: String { files.history }
  /// Where the members of an ensemble are trained.
  public var memberFolder: String { "\(folder)/members" }

  private static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Whether there is a state to go on from.
  public var isResumable: Bool {
    Self.exists(experiment) && (Self.exists(checkpoint) || Self.exists(memberFolder))
  }

  /// Throws, before any work is done, where `policy` does not allow to write this run or the folder cannot be
  /// written. Changes nothing.
  public func check(_ policy: ExistingOutput) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
      return try Self.requireWritable(Self.nearestFolder(above: folder), for: folder)
    }
    guard isFolder.boolValue else {
      throw ExperimentError(.cannotCreate, "\(folder): expected a folder for the run, but it is a file")
    }
    try Self.requireWritable(folder, for: folder)
    let isEmpty = (try? FileManager.default.contentsOfDirectory(atPath: folder).isEmpty) ?? false
    switch policy {
    case .refuse:
      guard isEmpty else {
        throw ExperimentError(
          .cannotCreate, "\(folder): exists already; --resume continues the run, --force begins it anew")
      }
    case .resume where !isResumable:
      guard isEmpty || !Self.exists(model) else {
        throw ExperimentError(
          .cannotCreate, "\(folder): holds no checkpoint.safetensors to resume from; --force begins anew")
      }
    case .resume, .replace: break
    }
  }

  /// - Throws: where this run has done more epochs than the `epochs` that `key` now asks for.
  func requireEpochs(_ epochs: Int, of key: String, done: Int) throws {
    guard done <= epochs else {
      throw ExperimentError(
        .invalidData, "\(key): expected at least the \(done) that \(folder) has done, found \(epochs)")
    }
  }

  /// Makes the folder, takes out what an earlier run left where `policy` says so, and writes the experiment.
  func begin(_ experiment: Experiment, _ policy: ExistingOutput) throws {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      if policy == .replace {
        for file in [model, checkpoint, history, self.experiment, memberFolder] where Self.exists(file) {
          try FileManager.default.removeItem(atPath: file)
        }
      }
    } catch {
      throw ExperimentError(.cannotCreate, "\(folder): cannot be created or written")
    }
    try TextFile.write(try experiment.yaml(), to: self.experiment)
  }

  /// Takes away what a run that failed before its first checkpoint has left.
  func discard() {
    guard !Self.exists(checkpoint), !Self.exists(model), !Self.exists(memberFolder) else { return }
    for file in [history, experiment] where Self.exists(file) {
      try? FileManager.default.removeItem(atPath: file)
    }
    rmdir(folder)
  }

  private static func nearestFolder(above path: String) -> String {
    var url = URL(fileURLWithPath: path).standardizedFileURL
    repeat { url = url.deletingLastPathComponent() } while !exists(url.path) && url.path != "/"
    return url.path
  }

  private static func requireWritable(_ folder: String, for path: String) throws {
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) && isFolder.boolValue
    guard isThere, FileManager.default.isWritableFile(atPath: folder) else {
      throw ExperimentError(
        .cannotCreate, "\(path): cannot be created: \(folder) is no folder that can be written")
    }
  }
}
