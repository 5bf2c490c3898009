// Small files of text, with errors in one line.

import Foundation
import PDEData

enum TextFile {
  static func read(_ path: String) throws -> String {
    guard let text = String(data: try data(path), encoding: .utf8) else {
      throw ExperimentError(.invalidData, "\(path): not text in UTF-8")
    }
    return text
  }

  static func data(_ path: String) throws -> Data {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw ExperimentError(.missingInput, "\(path): no such file")
    }
    guard !isFolder.boolValue else {
      throw ExperimentError(.missingInput, "\(path): a file was expected, not a folder")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ExperimentError(.missingInput, "\(path): cannot be read")
    }
    return data
  }

  /// Replaces the file as a whole, or leaves what was there.
  static func write(_ text: String, to path: String) throws {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
      throw ExperimentError(.readWriteFailed, "\(path): writing failed: no space left on the disk")
    } catch {
      throw ExperimentError(.cannotCreate, "\(path): cannot be written")
    }
  }

  /// Throws where a file may not be made: it exists and `policy` refuses, or its folder cannot be written.
  static func check(_ path: String, _ policy: ExistingOutput) throws {
    guard !FileManager.default.fileExists(atPath: path) || policy == .replace else {
      throw ExperimentError(.cannotCreate, "\(path): exists already; --force replaces it")
    }
    guard !FileSystem.isFolder(path), !FileSystem.isSpecial(path) else {
      throw ExperimentError(.cannotCreate, "\(path): the name of a file was expected, and this is none")
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard FileManager.default.isWritableFile(atPath: folder) else {
      throw ExperimentError(
        .cannotCreate, "\(path): cannot be created: \(folder) is no folder that can be written")
    }
  }
}
