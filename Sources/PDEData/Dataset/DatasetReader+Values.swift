// Values of a variable for any samples, unpacked, in a known order of axes.

import Tensors

extension DatasetReader {
  /// A whole variable in the file's own order of dimensions.
  public func read<Element: Scalar>(_ variable: DatasetVariable) throws(DatasetError) -> Tensor<Element> {
    let slab = Hyperslab(start: variable.shape.map { _ in 0 }, count: variable.shape)
    var tensor = Tensor<Element>(uninitialized: variable.shape)
    try tensor.withUnsafeMutableBuffer { buffer throws(DatasetError) in
      guard let base = buffer.baseAddress else { return }
      try read(variable, slab, into: base)
    }
    return tensor
  }

  /// Some samples of a variable, `[sample, time, channel, …grid]` as far as it has them.
  public func read<Element: Scalar>(
    _ variable: DatasetVariable, samples: [Int]
  ) throws(DatasetError) -> Tensor<Element> {
    let block = VariableBlock(variable)
    var tensor = Tensor<Element>(uninitialized: [samples.count] + block.shape)
    try tensor.withUnsafeMutableBuffer { buffer throws(DatasetError) in
      guard let base = buffer.baseAddress else { return }
      try read(block, samples: samples, into: base, sampleStride: block.count)
    }
    return tensor
  }

  /// The block of one variable for every sample of a list, each `sampleStride` elements after the one before it.
  /// Samples are read in the file's order, neighbours together.
  func read<Element: Scalar>(
    _ block: VariableBlock, samples: [Int], into target: UnsafeMutablePointer<Element>, sampleStride: Int
  ) throws(DatasetError) {
    let variable = block.variable
    guard let available = variable.length(of: .sample) else {
      for index in samples.indices {
        let place = target + index * sampleStride
        if index == 0 {
          try read(block, sampleRange: 0..<1, into: place)
        } else {
          place.update(from: target, count: block.count)
        }
      }
      return
    }
    if let outside = samples.first(where: { $0 < 0 || $0 >= available }) {
      throw DatasetError(
        .invalidData, path: path, variable: variable.name, "has no sample \(outside), only \(available)")
    }
    let order = samples.indices.sorted { (samples[$0], $0) < (samples[$1], $1) }
    var index = 0
    while index < order.count {
      let first = order[index]
      var length = 1
      while sampleStride == block.count, index + length < order.count,
        order[index + length] == first + length,
        samples[first + length] == samples[first] + length
      {
        length += 1
      }
      try read(
        block, sampleRange: samples[first]..<samples[first] + length, into: target + first * sampleStride)
      index += length
    }
  }

  private func read<Element: Scalar>(
    _ block: VariableBlock, sampleRange: Range<Int>, into target: UnsafeMutablePointer<Element>
  ) throws(DatasetError) {
    let slab = block.slab(sampleRange)
    guard let permutation = block.permutation else {
      return try read(block.variable, slab, into: target)
    }
    let scratch = AlignedMemory<Element>(count: slab.valueCount)
    try read(block.variable, slab, into: scratch.pointer)
    permute(scratch.pointer, shape: slab.count, order: permutation, into: target)
  }

  /// Reads a block and unpacks it; missing values become NaN.
  private func read<Element: Scalar>(
    _ variable: DatasetVariable, _ slab: Hyperslab, into target: UnsafeMutablePointer<Element>
  ) throws(DatasetError) {
    guard variable.type.isNumeric else {
      throw DatasetError(.invalidData, path: path, variable: variable.name, "holds text, not numbers")
    }
    let packing = Packing(variable)
    guard packing.isScaled else {
      try file.read(variable.id, named: variable.name, slab, into: target)
      packing.markMissing(target, count: slab.valueCount)
      return
    }
    let scratch = AlignedMemory<Double>(count: slab.valueCount)
    try file.read(variable.id, named: variable.name, slab, into: scratch.pointer)
    packing.unpack(scratch.pointer, into: target, count: slab.valueCount)
  }
}

/// Which entries of a variable are wanted of every sample, and in which order of axes.
struct VariableBlock: Sendable {
  let variable: DatasetVariable
  let time: StridedRange?
  let channel: StridedRange?
  /// The order of the file's axes that gives samples first and then the wanted order; nil: as in the file.
  let permutation: [Int]?
  /// Of one sample, in the wanted order.
  let shape: [Int]

  /// `order`: what comes after the samples; `.grid` stands for all its axes in the file's order.
  init(
    _ variable: DatasetVariable, time: StridedRange? = nil, channel: StridedRange? = nil,
    order: [AxisRole] = [.time, .channel, .grid]
  ) {
    self.variable = variable
    self.time = time ?? variable.length(of: .time).map(StridedRange.init(all:))
    self.channel = channel ?? variable.length(of: .channel).map(StridedRange.init(all:))
    let axes = ([.sample] + order).flatMap { role in
      variable.roles.indices.filter { variable.roles[$0] == role }
    }
    permutation = axes == Array(axes.indices) ? nil : axes
    var lengths: [Int] = []
    for axis in axes {
      switch variable.roles[axis] {
      case .sample: continue
      case .time: lengths.append(self.time?.count ?? 1)
      case .channel: lengths.append(self.channel?.count ?? 1)
      case .grid: lengths.append(variable.dimensions[axis].length)
      }
    }
    shape = lengths
  }

  /// Values of one sample.
  var count: Int { shape.reduce(1, *) }

  func slab(_ samples: Range<Int>) -> Hyperslab {
    let ranges = zip(variable.roles, variable.dimensions).map { role, dimension -> StridedRange in
      switch role {
      case .sample: StridedRange(start: samples.lowerBound, count: samples.count)
      case .time: time ?? StridedRange(all: dimension.length)
      case .channel: channel ?? StridedRange(all: dimension.length)
      case .grid: StridedRange(all: dimension.length)
      }
    }
    return Hyperslab(start: ranges.map(\.start), count: ranges.map(\.count), stride: ranges.map(\.step))
  }
}

/// `target[…] = source[…]` with the axes of `source` (of extents `shape`) taken in `order`, row-major both.
@specialized(where Element == Float)
@specialized(where Element == Double)
func permute<Element: Scalar>(
  _ source: UnsafePointer<Element>, shape: [Int], order: [Int], into target: UnsafeMutablePointer<Element>
) {
  let strides = Tensor<Element>.strides(of: shape)
  let extents = order.map { shape[$0] }
  let steps = order.map { strides[$0] }
  guard let inner = extents.last, let innerStep = steps.last, extents.allSatisfy({ $0 > 0 }) else {
    if shape.isEmpty { target[0] = source[0] }
    return
  }
  var index = [Int](repeating: 0, count: extents.count)
  var (read, write) = (0, 0)
  while true {
    for j in 0..<inner { target[write + j] = source[read + j * innerStep] }
    write += inner
    var axis = extents.count - 2
    while axis >= 0 {
      index[axis] += 1
      read += steps[axis]
      if index[axis] < extents[axis] { break }
      read -= extents[axis] * steps[axis]
      index[axis] = 0
      axis -= 1
    }
    if axis < 0 { return }
  }
}

/// CF's packing: `value = stored · scale_factor + add_offset`, and the stored values that mean "missing".
private struct Packing {
  var scale = 1.0
  var offset = 0.0
  /// What to add to negative stored values of an unsigned variable in a signed type.
  var wrap = 0.0
  var missing: [Double] = []

  init(_ variable: DatasetVariable) {
    scale = variable.attributes["scale_factor"]?.numbers?.first ?? 1
    offset = variable.attributes["add_offset"]?.numbers?.first ?? 0
    if variable.isPacked, variable.attributes["_Unsigned"]?.text?.lowercased() == "true",
      [.int8, .int16, .int32].contains(variable.type)
    {
      wrap = Double(UInt64(1) << (8 * variable.type.size))
    }
    for name in ["_FillValue", "missing_value"] {
      missing += (variable.attributes[name]?.numbers ?? []).filter { !$0.isNaN }
    }
    // What NetCDF fills unwritten reals with where nobody named another value.
    if variable.type.isFloatingPoint, variable.attributes["_FillValue"] == nil {
      missing.append(Double(Float(bitPattern: 0x7CF0_0000)))
    }
  }

  var isScaled: Bool { scale != 1 || offset != 0 || wrap != 0 }

  func markMissing<Element: Scalar>(_ values: UnsafeMutablePointer<Element>, count: Int) {
    for value in missing {
      let marker = Element(value)
      replace(marker, in: values, count: count)
    }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  private func replace<Element: Scalar>(
    _ marker: Element, in values: UnsafeMutablePointer<Element>, count: Int
  ) {
    for index in 0..<count where values[index] == marker { values[index] = .nan }
  }

  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func unpack<Element: Scalar>(
    _ stored: UnsafeMutablePointer<Double>, into values: UnsafeMutablePointer<Element>, count: Int
  ) {
    markMissing(stored, count: count)
    for index in 0..<count {
      let value = stored[index] < 0 ? stored[index] + wrap : stored[index]
      values[index] = Element(value * scale + offset)
    }
  }
}
