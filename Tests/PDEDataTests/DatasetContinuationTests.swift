import Foundation
import PDEData
import Tensors
import Testing

@Suite struct DatasetContinuationTests {
  @Test func aCopyTakenAtAnyMomentCanBeReadAndContinued() throws {
    // What a SIGKILL leaves is what the file holds at that moment, without a close: exactly a copy of it.
    let folder = try TemporaryFolder()
    let schema = SmallDataset.schema(samples: 9)
    let writer = try DatasetWriter(path: folder.path("F.nc"), schema: schema)
    for start in stride(from: 0, to: 9, by: 3) {
      let copy = folder.path("copy\(start).nc")
      try FileManager.default.copyItem(atPath: writer.files.partial, toPath: copy + ".partial")
      #expect(try DatasetReader(path: copy + ".partial").usableSamples() == Array(0..<start))
      let continued = try DatasetWriter(path: copy, schema: schema, existing: .resume)
      #expect(continued.pendingSamples == Array(start..<9))
      try SmallDataset.writeSamples(start..<9, to: continued)
      try continued.finish()
      try SmallDataset.writeSamples(start..<start + 3, to: writer)
    }
    try writer.finish()
    let whole = try Data(contentsOf: URL(filePath: folder.path("F.nc")))
    for start in [0, 3, 6] {
      #expect(try Data(contentsOf: URL(filePath: folder.path("copy\(start).nc"))) == whole)
    }
  }

  @Test func whatIsThereIsNotOverwrittenUnasked() throws {
    let folder = try TemporaryFolder()
    let path = try SmallDataset.make(folder.path("F.nc"), samples: 2)
    let schema = SmallDataset.schema(samples: 2)
    let error = #expect(throws: DatasetError.self) { try DatasetWriter(path: path, schema: schema) }
    #expect(error?.category == .cannotCreate)
    let finished = try DatasetWriter(path: path, schema: schema, existing: .resume)
    #expect(finished.pendingSamples.isEmpty)
    try finished.finish()
    let replacing = try DatasetWriter(path: path, schema: schema, existing: .replace)
    #expect(replacing.pendingSamples == [0, 1])
    #expect(try DatasetReader(path: path).usableSamples() == [0, 1])
    try replacing.suspend()
    #expect(throws: DatasetError.self) { try DatasetWriter(path: path, schema: schema) }
  }

  @Test func twoWritersDoNotShareAFile() throws {
    let folder = try TemporaryFolder()
    let schema = SmallDataset.schema(samples: 2)
    let first = try DatasetWriter(path: folder.path("F.nc"), schema: schema)
    #expect(throws: DatasetError.self) {
      try DatasetWriter(path: folder.path("F.nc"), schema: schema, existing: .resume)
    }
    try first.suspend()
    #expect(throws: Never.self) {
      try DatasetWriter(path: folder.path("F.nc"), schema: schema, existing: .resume).suspend()
    }
  }

  @Test func anotherDatasetIsNotContinued() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("F.nc")
    try DatasetWriter(path: path, schema: SmallDataset.schema(samples: 4)).suspend()
    for (schema, word) in [
      (SmallDataset.schema(samples: 4, seed: 8), "sample_ranges"), (SmallDataset.schema(samples: 5), "5"),
    ] {
      let error = #expect(throws: DatasetError.self) {
        try DatasetWriter(path: path, schema: schema, existing: .resume)
      }
      #expect(error?.category == .invalidData)
      #expect(error?.description.contains(word) == true)
    }
    var other = SmallDataset.schema(samples: 4)
    other.set("history", .text("tomorrow"))
    try DatasetWriter(path: path, schema: other, existing: .resume).suspend()
    other.set("viscosity", .real(2e-3))
    #expect(throws: DatasetError.self) { try DatasetWriter(path: path, schema: other, existing: .resume) }
  }

  @Test func outputsThatCannotBeCreatedLeaveNothing() throws {
    let folder = try TemporaryFolder()
    let error = #expect(throws: DatasetError.self) {
      try DatasetWriter(path: folder.path("missing/F.nc"), schema: SmallDataset.schema(samples: 1))
    }
    #expect(error?.category == .cannotCreate)
    #expect(error?.path == folder.path("missing/F.nc"))
  }
}
