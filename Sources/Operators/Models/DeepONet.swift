// The deep operator network: coefficients from the input function, basis functions of the query point.

import Autodiff
import Foundation
import Tensors

/// A deep operator network (Lu et al. 2021): `G(u)(y) = Σ_i b_i(u) t_i(y) + c`, the coefficients b from the branch, a
/// network of the input's values at fixed sensors, the functions t from the trunk, a network of the coordinates.
///
/// All samples are given at the same query points, so that the outputs are one matrix product (DeepXDE's
/// `DeepONetCartesianProd`). As there, the trunk's last layer has an activation, the branch's none. With a POD basis
/// (Lu et al. 2022) `G(u)(y) = μ(y) + Σ_i b_i(u) φ_i(y)`, where μ is the mean of the training outputs and the φ are their
/// leading singular vectors, each with the standard deviation that its coefficients have in the training outputs.
///
/// Parameters of networks carry DeepXDE's names.
public final class DeepONet<Element: Scalar>: NeuralOperator {
  public let configuration: DeepONetConfiguration
  private let branches: [BranchNetwork<Element>]
  private let trunks: [Perceptron<Element>]
  private let biases: [Parameter<Element>]
  private let pod: PODBasis<Element>?
  /// For each axis the sensors' positions; none where they are not known.
  private let sensors: [Parameter<Element>]
  /// Wavenumbers of the random features, `[feature, coordinate]`.
  private let wavenumbers: Parameter<Element>?
  // What the trunk sees of the points it was last asked for.
  private var embedded: (queries: GridPositions, values: Tensor<Element>)?

  /// A new operator, its parameters drawn from `seed` (nil: not drawn, to be read from a file). The configuration must
  /// have no ``DeepONetConfiguration/problem`` and know its sensors and queries.
  public init(_ configuration: DeepONetConfiguration, seed: UInt64? = 0) {
    precondition(configuration.problem == nil, configuration.problem ?? "")
    precondition(!configuration.sensors.isEmpty, "the sensors of a network are known")
    self.configuration = configuration
    var initializer = Initializer(seed: seed)
    let isPOD = configuration.basis == .pod
    let networks =
      configuration.multiOutput == .independent && !isPOD ? configuration.outChannels : 1
    branches = (0..<networks).map { _ in BranchNetwork(configuration, &initializer) }
    trunks =
      isPOD
      ? []
      : (0..<networks).map { _ in
        let activation = configuration.trunkActivation ?? configuration.activation
        return Perceptron(
          sizes: [configuration.trunkInput] + configuration.trunk, activation: activation,
          lastActivation: activation, &initializer)
      }
    biases =
      configuration.bias && !isPOD
      ? (0..<configuration.outChannels).map { _ in initializer.constant(0, shape: []) } : []
    wavenumbers =
      isPOD || configuration.fourierFeatures == 0
      ? nil
      : initializer.normal(
        shape: [configuration.fourierFeatures, configuration.embeddedDimensions],
        standardDeviation: Element(configuration.fourierScale))
    wavenumbers?.isTrainable = false
    pod = isPOD ? PODBasis(configuration) : nil
    sensors =
      configuration.otherSensors == .accept
      ? []
      : configuration.sensors.map { count in
        let parameter = Parameter<Element>(shape: [count])
        parameter.isTrainable = false
        return parameter
      }
    place(sensorsAt: GridPositions(uniform: configuration.sensors))
  }

  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    self(input, at: positions, queries: positions, on: tape)
  }

  public func callAsFunction(
    _ input: Variable<Element>, at positions: GridPositions, queries: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    let (samples, outputs) = (input.shape[0], configuration.outChannels)
    let sampled = sampledAtSensors(input, from: positions)
    if let pod {
      return pod(branches[0](sampled, on: tape), at: queries, outputs: outputs, on: tape)
    }
    func biases(_ range: Range<Int>) -> [Variable<Element>] {
      self.biases.isEmpty ? [] : range.map { tape.variable(self.biases[$0]) }
    }
    let output: Variable<Element>
    if branches.count > 1 {
      output = tape.concatenateChannels(
        branches.indices.map { index in
          tape.cartesianProduct(
            coefficients: branches[index](sampled, on: tape),
            basis: functions(of: trunks[index], at: queries, on: tape),
            biases: biases(index..<index + 1), terms: configuration.terms)
        })
    } else {
      let isSplit = outputs > 1 ? configuration.multiOutput : .splitBoth
      output = tape.cartesianProduct(
        coefficients: branches[0](sampled, on: tape), basis: functions(of: trunks[0], at: queries, on: tape),
        biases: biases(0..<outputs), outputs: outputs, terms: configuration.terms,
        sharesCoefficients: isSplit == .splitTrunk, sharesBasis: isSplit == .splitBranch)
    }
    return tape.reshaped(output, [samples, outputs] + queries.shape)
  }

  public func forEachParameter(
    _ path: String, _ body: (String, Parameter<Element>) throws -> Void
  ) rethrows {
    for (index, branch) in branches.enumerated() {
      let name = join(path, "branch")
      try branch.forEachParameter(branches.count > 1 ? join(name, "\(index)") : name, body)
    }
    for (index, trunk) in trunks.enumerated() {
      let name = join(path, "trunk")
      try trunk.forEachParameter(trunks.count > 1 ? join(name, "\(index)") : name, body)
    }
    for (index, bias) in biases.enumerated() { try body(join(path, "b.\(index)"), bias) }
    if let wavenumbers { try body(join(path, "wavenumbers"), wavenumbers) }
    try pod?.forEachParameter(join(path, "pod"), body)
    for (axis, parameter) in sensors.enumerated() { try body(join(path, "sensors.\(axis)"), parameter) }
  }

  // MARK: - Sensors

  /// Where the sensors are; nil where that is not known.
  private var sensorPositions: GridPositions? {
    sensors.isEmpty ? nil : GridPositions(axes: sensors.map { $0.canonicalValues.map { Double($0) } })
  }

  private func place(sensorsAt positions: GridPositions) {
    for (parameter, points) in zip(sensors, positions.axes) {
      parameter.setCanonicalValues(points.map { Element($0) })
    }
  }

  public func fitting(at positions: GridPositions, queries: GridPositions) -> OperatorFitting {
    let count = configuration.sensors.reduce(1, *)
    guard configuration.basis == .pod || queries.dimensions == configuration.queryDimensions else {
      return .refused(
        "takes query points of \(configuration.queryDimensions) coordinates, these have \(queries.dimensions)"
      )
    }
    if let problem = pod?.problem(at: queries) { return .refused(problem) }
    let sensorFitting: OperatorFitting
    if let own = sensorPositions {
      if own.agrees(with: positions) {
        sensorFitting = .exact
      } else if configuration.otherSensors == .refuse || positions.axes.count != own.axes.count
        || positions.scattered != nil
      {
        return .refused(
          "has sensors on a grid of \(configuration.sensors), these functions are sampled on one of "
            + "\(positions.shape), at other points")
      } else {
        sensorFitting = .adapted(
          "functions sampled at other points (a grid of \(positions.shape)) are interpolated linearly to the model's "
            + "sensors (a grid of \(configuration.sensors))")
      }
    } else if positions.pointCount == count {
      sensorFitting = .exact
    } else {
      return .refused("has \(count) sensors, these functions are sampled at \(positions.pointCount) points")
    }
    if let pod, !pod.isGiven(at: queries), case .exact = sensorFitting {
      return .adapted("the model's POD basis is interpolated linearly to other points than it was found at")
    }
    return sensorFitting
  }

  /// Fields are not differentiated with respect to where they are not on the sensors.
  private func sampledAtSensors(_ input: Variable<Element>, from positions: GridPositions) -> Variable<
    Element
  > {
    guard let own = sensorPositions, !own.agrees(with: positions) else { return input }
    let shape = input.shape
    let rows = Tensor(
      input.value.values.map { Double($0) }, shape: [shape[0] * shape[1]] + shape[2...])
    let result = interpolate(rows, from: positions, to: own)
    return Variable(
      constant: Tensor(result.values.map { Element($0) }, shape: Array(shape[..<2]) + own.shape))
  }

  // MARK: - What the data say

  public func prepare(from training: any BatchSource<Element>, outputNormalizer: Normalizer) throws {
    place(sensorsAt: training.positions)
    try pod?.find(from: training, outputNormalizer: outputNormalizer)
  }

  // MARK: - Coordinates

  /// The trunk's functions at the query points, `[point, function]`. They do not depend on the input: a pass of inference
  /// has them computed once.
  private func functions(
    of trunk: Perceptron<Element>, at queries: GridPositions, on tape: Tape<Element>
  ) -> Variable<Element> {
    func computed() -> Variable<Element> {
      trunk(Variable(constant: embedding(of: queries)), on: tape)
    }
    let count = queries.pointCount * configuration.trunk[configuration.trunk.count - 1]
    let known = tape.preparedValues?.value(for: .init(trunk.leading, queries), count: count) {
      computed().value
    }
    return known.map { Variable(constant: $0) } ?? computed()
  }

  /// The numbers that the trunk sees of every point: `[point, trunkInput]`.
  private func embedding(of queries: GridPositions) -> Tensor<Element> {
    if let embedded, embedded.queries == queries { return embedded.values }
    let rows = queries.points.map { point in
      var row: [Double] = []
      for (axis, position) in point.enumerated() {
        let count = configuration.harmonics.isEmpty ? 0 : configuration.harmonics[axis]
        if count == 0 {
          let range = configuration.coordinateRange.isEmpty ? [0, 1] : configuration.coordinateRange[axis]
          row.append(range[0] + (range[1] - range[0]) * position)
        }
        for harmonic in 0..<count {
          let phase = 2 * Double.pi * Double(harmonic + 1) * position
          row += [cos(phase), sin(phase)]
        }
      }
      return features(of: row)
    }
    let values = Tensor(
      rows.flatMap { $0.map { Element($0) } }, shape: [rows.count, configuration.trunkInput])
    embedded = (queries, values)
    return values
  }

  /// `cos 2πBx, sin 2πBx` (Tancik et al. 2020), where random features are wanted.
  private func features(of row: [Double]) -> [Double] {
    guard let wavenumbers else { return row }
    let values = wavenumbers.canonicalValues
    let phases = (0..<configuration.fourierFeatures).map { feature in
      row.indices.reduce(0.0) { $0 + Double(values[feature * row.count + $1]) * row[$1] } * 2 * Double.pi
    }
    return phases.map { cos($0) } + phases.map { sin($0) }
  }
}

/// The branch: convolutions where there are any, then a perceptron.
final class BranchNetwork<Element: Scalar> {
  private let convolutions: [ConvolutionLayer<Element>]
  private let perceptron: Perceptron<Element>
  private let activation: Activation
  private let sensors: [Int]

  init(_ configuration: DeepONetConfiguration, _ initializer: inout Initializer) {
    var convolutions: [ConvolutionLayer<Element>] = []
    var channels = configuration.inChannels
    for count in configuration.convolutions {
      convolutions.append(
        ConvolutionLayer(
          inChannels: channels, outChannels: count, kernel: configuration.convolutionKernel,
          dimensions: configuration.sensors.count, stride: configuration.convolutionStride,
          padding: configuration.convolutionPadding, &initializer))
      channels = count
    }
    self.convolutions = convolutions
    perceptron = Perceptron(
      sizes: [configuration.branchInput] + configuration.branch, activation: configuration.activation,
      lastActivation: .identity, &initializer)
    activation = configuration.activation
    sensors = configuration.sensors
  }

  /// `[batch, channel, …sensors]` to `[batch, coefficient]`.
  func callAsFunction(_ input: Variable<Element>, on tape: Tape<Element>) -> Variable<Element> {
    var hidden = input
    if !convolutions.isEmpty { hidden = tape.reshaped(hidden, Array(input.shape[..<2]) + sensors) }
    for convolution in convolutions { hidden = convolution(hidden, activation: activation, on: tape) }
    return perceptron(
      tape.reshaped(hidden, [hidden.shape[0], hidden.shape[1...].reduce(1, *)]), on: tape)
  }

  func forEachParameter(_ path: String, _ body: (String, Parameter<Element>) throws -> Void) rethrows {
    for (index, convolution) in convolutions.enumerated() {
      try convolution.forEachParameter(join(path, "convolutions.\(index)"), body)
    }
    try perceptron.forEachParameter(path, body)
  }
}
