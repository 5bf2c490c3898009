import Foundation
import PDEData
import Tensors
import Testing

@Suite struct DatasetRoundTripTests {
  @Test func whatWasWrittenIsRead() throws {
    let folder = try TemporaryFolder()
    let path = try SmallDataset.make(folder.path("F.nc"), samples: 6)
    #expect(!folder.exists("F.nc.partial"))
    let reader = try DatasetReader(path: path)
    #expect(reader.sampleCount == 6)
    #expect(reader.text("equation") == "test")
    #expect(reader.attributes["seed"] == .unsigned([7]))
    #expect(try reader.grid(of: reader.variable("w")) == SmallDataset.grid)
    #expect(try reader.times(of: reader.variable("w")) == SmallDataset.times)
    #expect(try reader.usableSamples() == Array(0..<6))
    let w: Tensor<Double> = try reader.read(reader.variable("w"), samples: [4, 1])
    #expect(w.shape == [2, 5, 3, 4])
    for (index, sample) in [4, 1].enumerated() {
      for time in 0..<5 {
        for point in 0..<12 {
          #expect(w[index, time, point / 4, point % 4] == SmallDataset.w(sample, time, point))
        }
      }
    }
  }

  @Test func variablesBecomeChannels() throws {
    let folder = try TemporaryFolder()
    let reader = try DatasetReader(path: SmallDataset.make(folder.path("F.nc"), samples: 5))
    let layout = try ChannelLayout(reader, selections: FieldSelection.list("w[1:5:2] viscosity a w[-1]"))
    #expect(layout.channels.map(\.name) == ["w[1]", "w[3]", "viscosity", "a", "w[4]"])
    #expect(layout.grid == SmallDataset.grid)
    let samples = [3, 4, 0, 3]
    let tensor: Tensor<Double> = try layout.read(reader, samples: samples)
    #expect(tensor.shape == [4, 5, 3, 4])
    for (index, sample) in samples.enumerated() {
      for point in 0..<12 {
        let (y, x) = (point / 4, point % 4)
        #expect(tensor[index, 0, y, x] == SmallDataset.w(sample, 1, point))
        #expect(tensor[index, 1, y, x] == SmallDataset.w(sample, 3, point))
        #expect(tensor[index, 2, y, x] == 1e-3 * Double(sample + 1))
        #expect(tensor[index, 3, y, x] == SmallDataset.a(sample, point))
        #expect(tensor[index, 4, y, x] == SmallDataset.w(sample, 4, point))
      }
    }
  }

  @Test func timeCanBeTheSlowestAxis() throws {
    let folder = try TemporaryFolder()
    let reader = try DatasetReader(path: SmallDataset.make(folder.path("F.nc"), samples: 2))
    let outputs = try ChannelLayout(reader, selections: FieldSelection.list("w[2:5] a"), time: .axis)
    #expect(outputs.grid.shape == [3, 3, 4])
    #expect(outputs.channelCount == 2)
    #expect(outputs.grid.axes[0].coordinates == [1.5, 2.0, 2.5])
    let tensor: Tensor<Float> = try outputs.read(reader, samples: [1])
    for time in 0..<3 {
      #expect(tensor[0, 0, time, 1, 2] == Float(SmallDataset.w(1, time + 2, 6)))
      #expect(tensor[0, 1, time, 1, 2] == Float(SmallDataset.a(1, 6)))
    }
    let inputs = try ChannelLayout(
      reader, selections: FieldSelection.list("w[0:2] viscosity"),
      time: .channelsRepeated(along: outputs.grid.axes[0]))
    #expect(inputs.shape(samples: 1) == [1, 3, 3, 3, 4])
    let repeated: Tensor<Float> = try inputs.read(reader, samples: [0])
    for time in 0..<3 { #expect(repeated[0, 1, time, 0, 3] == Float(SmallDataset.w(0, 1, 3))) }
    #expect(throws: DatasetError.self) {
      try ChannelLayout(reader, selections: FieldSelection.list("w[0:2] w[0:3]"), time: .axis)
    }
  }

  @Test func packedValuesAreUnpackedAndMissingOnesAreNaN() throws {
    let folder = try TemporaryFolder()
    var schema = DatasetSchema(
      sampleCount: 2, grid: Grid(axes: [Grid.Axis(name: "x", count: 4, placement: .periodic)]))
    schema.variables += [
      .init(
        name: "packed", type: .int16, dimensions: ["sample", "x"],
        attributes: [
          Attribute("_FillValue", .integers([-999], .int16)), Attribute("scale_factor", .real(0.25)),
          Attribute("add_offset", .real(10)),
        ]),
      .init(
        name: "bytes", type: .int8, dimensions: ["sample", "x"],
        attributes: [Attribute("_Unsigned", "true")]),
      .init(name: "counts", type: .uint8, dimensions: ["sample", "x"]),
    ]
    let writer = try DatasetWriter(path: folder.path("F.nc"), schema: schema)
    try writer.write("packed", samples: 0..<2, values: [0.0, 4, -999, -4, 1, 2, 3, 4])
    try writer.write("bytes", samples: 0..<2, values: [0.0, -1, -128, 127, 0, 0, 0, 0])
    try writer.write("counts", samples: 0..<2, values: [0.0, 255, 128, 127, 0, 0, 0, 0])
    try writer.finish()
    let reader = try DatasetReader(path: folder.path("F.nc"))
    let packed: Tensor<Float> = try reader.read(reader.variable("packed"), samples: [0])
    #expect(packed.values[0] == 10 && packed.values[1] == 11 && packed.values[3] == 9)
    #expect(packed.values[2].isNaN)
    let bytes: Tensor<Double> = try reader.read(reader.variable("bytes"), samples: [0])
    #expect(bytes.values == [0, 255, 128, 127])
    let counts: Tensor<Float> = try reader.read(reader.variable("counts"), samples: [0])
    #expect(counts.values == [0, 255, 128, 127])
    let layout = try ChannelLayout(reader, selections: FieldSelection.list("counts packed"))
    let error = #expect(throws: DatasetError.self) { try layout.requireFinite(reader, samples: [1, 0]) }
    #expect(error?.category == .invalidData)
    #expect(error?.description.contains("variable packed: 1 value is") == true)
    #expect(error?.description.contains("sample 0, at x 2") == true)
  }

  @Test func predictionsReplaceSomeTimesAndKeepTheRest() throws {
    let folder = try TemporaryFolder()
    let data = try DatasetReader(path: SmallDataset.make(folder.path("F.nc"), samples: 3))
    let outputs = try FieldSelection.list("w[3:5]")
    let writer = try PredictionWriter(
      data: data, path: folder.path("P.nc"), outputs: outputs,
      attributes: [Attribute("history", "predicted")])
    for sample in 0..<3 {
      try writer.write(
        samples: sample..<sample + 1, Tensor<Float>(repeating: -Float(sample), shape: [1, 2, 3, 4]))
    }
    try writer.finish()
    let prediction = try DatasetReader(path: folder.path("P.nc"))
    #expect(prediction.text("history") == "predicted")
    #expect(prediction.text("sample_ranges") == data.text("sample_ranges"))
    let w: Tensor<Double> = try prediction.read(prediction.variable("w"), samples: [0, 1, 2])
    #expect(w[2, 2, 1, 1] == SmallDataset.w(2, 2, 5))
    #expect(w[2, 3, 1, 1] == -2)
    #expect(w[1, 4, 2, 3] == -1)
    let a: Tensor<Float> = try prediction.read(prediction.variable("a"), samples: [2])
    #expect(a.values == (0..<12).map { Float(SmallDataset.a(2, $0)) })
    #expect(try prediction.grid(of: prediction.variable("w")) == SmallDataset.grid)
    #expect(try prediction.usableSamples() == [0, 1, 2])
  }

  @Test func predictionsOfWhatTheDataLackAreAdded() throws {
    let folder = try TemporaryFolder()
    let data = try DatasetReader(path: SmallDataset.make(folder.path("F.nc"), samples: 2))
    let writer = try PredictionWriter(
      data: data, path: folder.path("P.nc"), outputs: FieldSelection.list("p"), existing: .refuse)
    try writer.write(samples: 0..<2, Tensor<Double>(repeating: 3, shape: [2, 1, 3, 4]))
    try writer.finish()
    let prediction = try DatasetReader(path: folder.path("P.nc"))
    #expect(try prediction.variable("p").gridShape == [3, 4])
  }

  @Test func shardsAreMergedInTheOrderOfTheirSamples() throws {
    let folder = try TemporaryFolder()
    try SmallDataset.make(folder.path("late.nc"), samples: 2, firstSample: 3)
    try SmallDataset.make(folder.path("early.nc"), samples: 3, firstSample: 0)
    let paths = ["late.nc", "early.nc"].map(folder.path)
    #expect(try DatasetMerge.merge(paths, to: folder.path("all.nc"), history: "merge").samples == 5)
    let reader = try DatasetReader(path: folder.path("all.nc"))
    #expect(reader.text("sample_ranges") == "seed 7: 0:5")
    #expect(reader.text("history") == "merge\ntoday")
    let a: Tensor<Double> = try reader.read(reader.variable("a"), samples: Array(0..<5))
    #expect((0..<5).allSatisfy { a[$0, 2, 3] == SmallDataset.a($0, 11) })
    let numbers: Tensor<Double> = try reader.read(reader.variable("sample"))
    #expect(numbers.values == [0, 1, 2, 3, 4])

    try SmallDataset.make(folder.path("overlap.nc"), samples: 2, firstSample: 4)
    try SmallDataset.make(folder.path("other.nc"), samples: 2, firstSample: 9, seed: 8)
    #expect(throws: DatasetError.self) {
      try DatasetMerge.merge(paths + [folder.path("overlap.nc")], to: folder.path("bad.nc"))
    }
    #expect(!folder.exists("bad.nc") && !folder.exists("bad.nc.partial"))
  }
}
