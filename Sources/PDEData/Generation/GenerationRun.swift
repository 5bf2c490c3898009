// One run of a generator: blocks of samples, each solved in parallel and then written.

import Synchronization
import Tensors

struct GenerationRun {
  let problem: any DatasetProblem
  /// The problem that every so many samples are checked with.
  let check: (every: Int, refined: any DatasetProblem)?
  let writer: DatasetWriter
  let firstSample: Int
  let isCancelled: @Sendable () -> Bool

  static let errorScalar = "discretization_error"

  /// Fields of the samples in flight take no more than this.
  private static let mostBytes = 256 << 20
  /// Blocks last about so long: what a kill loses, and how often progress is told.
  private static let blockDuration = Duration.milliseconds(500)

  func perform<Store: Scalar>(
    _ store: Store.Type, _ progress: (GenerationProgress) -> Void
  ) throws -> GenerationSummary {
    let total = writer.schema.sampleCount
    let toMake = writer.pendingSamples
    var made = 0
    var failed = 0
    var warning: (sample: Int, text: String)?
    var solverSeconds = 0.0
    let clock = ContinuousClock()
    let start = clock.now
    let bytesPerSample = problem.fields.reduce(1) { $0 + valuesPerSample($1) * MemoryLayout<Store>.stride }
    let most = max(1, Self.mostBytes / bytesPerSample)
    var blockSize = min(most, 2 * WorkerPool.shared.threadCount)
    func report() -> GenerationProgress {
      let seconds = (clock.now - start) / .seconds(1)
      return GenerationProgress(
        done: total - toMake.count + made, total: total, failed: failed,
        samplesPerSecond: seconds > 0 ? Double(made) / seconds : 0, warning: warning)
    }
    do {
      while made < toMake.count, !isCancelled() {
        let first = toMake[made]
        // Consecutive samples; a resumed file may have gaps.
        var count = 1
        while count < blockSize, made + count < toMake.count, toMake[made + count] == first + count {
          count += 1
        }
        let blockStart = clock.now
        let (statuses, solving, told) = try solveAndWrite(first..<first + count, store)
        solverSeconds += solving
        made += statuses.count
        failed += statuses.count { $0 == .failed }
        warning = warning ?? told
        progress(report())
        let duration = clock.now - blockStart
        if duration < Self.blockDuration / 2 { blockSize = min(most, 2 * blockSize) }
        if duration > Self.blockDuration * 2 { blockSize = max(1, blockSize / 2) }
      }
    } catch {
      // Bad input leaves nothing behind; a full disk leaves what can be continued.
      if made == 0, toMake.count == total, !error.isReadWrite {
        writer.discard()
      } else {
        try? writer.suspend()
      }
      throw error
    }
    guard made == toMake.count else {
      try writer.suspend()
      throw GenerationInterrupted(
        path: writer.files.partial, done: total - toMake.count + made, total: total)
    }
    try writer.finish()
    let seconds = (clock.now - start) / .seconds(1)
    let status = try DatasetReader(path: writer.files.path).sampleStatus() ?? []
    return GenerationSummary(
      samples: total, failed: status.indices.filter { status[$0] == .failed }.map { firstSample + $0 },
      made: made, seconds: seconds, solverSecondsPerSample: solverSeconds / Double(max(made, 1)))
  }

  private var scalarNames: [String] {
    problem.scalars.map(\.name) + (check == nil ? [] : [Self.errorScalar])
  }

  private func valuesPerSample(_ field: FieldDescription) -> Int {
    field.valueCount(on: problem.grid) * (field.hasTime ? problem.times?.count ?? 1 : 1)
  }

  /// Solves and writes samples (by their places in the file); fewer than asked for where the run was cancelled. Gives
  /// the sum over samples of the seconds that solving took, and the first warning, too.
  private func solveAndWrite<Store: Scalar>(
    _ block: Range<Int>, _ store: Store.Type
  ) throws(DatasetError) -> (
    statuses: [SampleStatus], solverSeconds: Double, warning: (sample: Int, text: String)?
  ) {
    let results = BlockResults<Store>(
      count: block.count, fields: problem.fields.map { ($0.name, valuesPerSample($0)) },
      scalars: scalarNames)
    let failure = Mutex<(index: Int, error: DatasetError)?>(nil)
    let solverSeconds = Mutex(0.0)
    let warning = Mutex<(sample: Int, text: String)?>(nil)
    WorkerPool.shared.run(tasks: block.count) { index in
      guard !isCancelled() else { return }
      do throws(DatasetError) {
        let clock = ContinuousClock()
        let start = clock.now
        let sample = firstSample + block.lowerBound + index
        var solution = try problem.solve(sample: sample)
        if let text = solution.warning {
          warning.withLock { known in
            if known.map({ sample < $0.sample }) ?? true { known = (sample, text) }
          }
        }
        solverSeconds.withLock { $0 += (clock.now - start) / .seconds(1) }
        if let check, sample % check.every == 0 {
          solution.scalars[Self.errorScalar] = problem.discretizationError(
            of: solution, refined: try check.refined.solve(sample: sample))
        }
        results.store(solution, at: index)
      } catch {
        failure.withLock { known in
          if known.map({ index < $0.index }) ?? true { known = (index, error) }
        }
      }
    }
    if let error = failure.withLock({ $0?.error }) { throw error }
    let statuses = results.finishedPrefix
    let written = block.lowerBound..<block.lowerBound + statuses.count
    guard !written.isEmpty else { return ([], 0, nil) }
    for (index, field) in problem.fields.enumerated() {
      try writer.write(field.name, samples: written, values: UnsafePointer(results.values(of: index)))
    }
    for (index, name) in scalarNames.enumerated() {
      try writer.write(name, samples: written, values: UnsafePointer(results.numbers(of: index)))
    }
    try writer.complete(written, status: statuses)
    return (statuses, solverSeconds.withLock { $0 }, warning.withLock { $0 })
  }
}

extension Error {
  fileprivate var isReadWrite: Bool { (self as? DatasetError)?.category == .readWriteFailed }
}

/// The values of a block of samples as they will be stored; every task writes its own places.
private final class BlockResults<Store: Scalar>: @unchecked Sendable {
  private let count: Int
  private let fields: [(name: String, values: Int)]
  private let scalars: [String]
  private let offsets: [Int]
  private let memory: AlignedMemory<Store>
  private let numberMemory: AlignedMemory<Double>
  private let statuses: AlignedMemory<Int8>

  init(count: Int, fields: [(name: String, values: Int)], scalars: [String]) {
    self.count = count
    self.fields = fields
    self.scalars = scalars
    var offsets = [0]
    for field in fields { offsets.append(offsets[offsets.count - 1] + count * field.values) }
    self.offsets = offsets
    memory = AlignedMemory(count: offsets[offsets.count - 1])
    numberMemory = AlignedMemory(count: scalars.count * count)
    numberMemory.buffer.initialize(repeating: .nan)
    statuses = AlignedMemory(count: count)
    statuses.buffer.initialize(repeating: SampleStatus.pending.rawValue)
  }

  func values(of field: Int) -> UnsafeMutablePointer<Store> { memory.pointer + offsets[field] }
  func numbers(of scalar: Int) -> UnsafeMutablePointer<Double> { numberMemory.pointer + scalar * count }

  /// The statuses of the samples before the first one that was not made.
  var finishedPrefix: [SampleStatus] {
    statuses.buffer.prefix { $0 != SampleStatus.pending.rawValue }.map { $0 == 0 ? .solved : .failed }
  }

  func store(_ solution: SampleSolution, at index: Int) {
    var isSolved = solution.isSolved
    for (position, field) in fields.enumerated() {
      let target = values(of: position) + index * field.values
      guard let tensor = solution.fields[field.name] else {
        target.update(repeating: .nan, count: field.values)
        continue
      }
      precondition(tensor.count == field.values, "\(field.name): \(tensor.shape) for \(field.values) values")
      tensor.withUnsafeBuffer { buffer in
        guard let source = buffer.baseAddress else { return }
        convert(source, to: target, count: field.values)
      }
      // A value that is no number in the stored type would be a sample that claims to be solved.
      if countNonFinite(target, count: field.values) > 0 { isSolved = false }
    }
    for (position, name) in scalars.enumerated() {
      if let number = solution.scalars[name] { numbers(of: position)[index] = number }
    }
    statuses.pointer[index] = (isSolved ? SampleStatus.solved : .failed).rawValue
  }
}

@specialized(where E == Float)
@specialized(where E == Double)
private func convert<E: Scalar>(
  _ source: UnsafePointer<Double>, to target: UnsafeMutablePointer<E>, count: Int
) {
  for index in 0..<count { target[index] = E(source[index]) }
}
