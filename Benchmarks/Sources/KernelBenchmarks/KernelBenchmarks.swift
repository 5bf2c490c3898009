// Times the kernels beside the limits of the machine, measured in the same run: a table on standard output.
//
//     KernelBenchmarks [part of a kernel's name …] [--threads 2] [--repeats 15]
//     KernelBenchmarks optimizer [--parameters 70000000]     (one line of JSON, for comparisons)

import Foundation
import Measurement
import Tensors

@main
struct KernelBenchmarks {
  static func main() { exitOnError(run) }

  private static func run() throws {
    var (names, repeats, parameters): ([String], Int, Int) = ([], 15, 70_000_000)
    var arguments = Array(CommandLine.arguments.dropFirst())
    while let argument = arguments.first {
      arguments.removeFirst()
      guard argument.hasPrefix("--") else {
        names.append(argument)
        continue
      }
      guard let number = arguments.first.flatMap({ Int($0) }), number > 0 else {
        throw UsageError(description: "\(argument) wants a positive number")
      }
      arguments.removeFirst()
      switch argument {
      case "--threads": WorkerPool.shared.threadCount = number
      case "--repeats": repeats = number
      case "--parameters": parameters = number
      default: throw UsageError(description: "there is no \(argument)")
      }
    }
    if names == ["optimizer"] {
      try optimizer(parameters: parameters, repeats: repeats)
    } else {
      try kernels(names, parameters: parameters, repeats: repeats)
    }
  }

  private static func optimizer(parameters: Int, repeats: Int) throws {
    let limits = MachineLimits(repeats: repeats)
    let adam = adam(parameters: parameters)
    let milliseconds = adam.milliseconds(repeats)
    let gigabytes = adam.bytes / milliseconds / 1e6
    try report(
      "optimizer",
      [
        "optimizer_step_ms": milliseconds, "parameters": Double(parameters),
        "gigabytes_per_second": gigabytes,
        "copy_gb_s": limits.copy, "triad_gb_s": limits.triad, "update_gb_s": limits.update,
        "threads": Double(limits.threads),
      ])
  }

  private static func kernels(_ names: [String], parameters: Int, repeats: Int) throws {
    let makers =
      transformKernels + contractionKernels + convolutionKernels + tensorizedKernels + productKernels
      + pointwiseKernels
      + [("Adam, \(parameters) parameters", { adam(parameters: parameters) })]
    let chosen = makers.filter { maker in names.isEmpty || names.contains { maker.name.contains($0) } }
    guard !chosen.isEmpty else {
      throw UsageError(description: "there is no kernel named so; there are: \(makers.map(\.name))")
    }
    let threads = WorkerPool.shared.threadCount
    print(
      "| limits of this machine, single precision | " + "GFLOP/s | copy, GB/s | triad, GB/s | update, GB/s |")
    print("|---|---|---|---|---|")
    for count in Set([1, threads]).sorted() {
      WorkerPool.shared.threadCount = count
      let limits = MachineLimits(repeats: repeats)
      let cells = [limits.gigaflops, limits.copy, limits.triad, limits.update].map {
        String(format: "%.0f", $0)
      }
      print("| threads: \(count) | \(cells.joined(separator: " | ")) |")
    }
    WorkerPool.shared.threadCount = threads
    let limits = MachineLimits(repeats: repeats)
    print("\n| kernel, \(threads) threads | ms | GFLOP/s | GB/s | limited by | share of the limit |")
    print("|---|---|---|---|---|---|")
    for maker in chosen {
      let kernel = maker.make()
      let time = kernel.milliseconds(repeats)
      let least = limits.leastMilliseconds(bytes: kernel.bytes, operations: kernel.operations)
      let isMemory = kernel.bytes / limits.bandwidth > kernel.operations / limits.gigaflops
      let cells = [
        String(format: "%.3f", time), String(format: "%.0f", kernel.operations / time / 1e6),
        kernel.bytes == 0 ? "in cache" : String(format: "%.1f", kernel.bytes / time / 1e6),
        isMemory ? "memory" : "arithmetic", String(format: "%.0f %%", 100 * least / time),
      ]
      print("| \(maker.name) | \(cells.joined(separator: " | ")) |")
    }
  }
}

/// Something to time: what it must move to and from memory, and the operations that it does.
struct Kernel {
  /// Everything read and written once; 0 where all of it stays in cache.
  let bytes: Double
  /// Multiplications and additions each counted as one.
  let operations: Double
  /// The median time in milliseconds of so many runs.
  let milliseconds: (_ repeats: Int) -> Double

  init(bytes: Double, operations: Double, milliseconds: @escaping (Int) -> Double) {
    (self.bytes, self.operations, self.milliseconds) = (bytes, operations, milliseconds)
  }

  init(bytes: Double, operations: Double, _ work: @escaping () -> Void) {
    self.init(bytes: bytes, operations: operations) { medianMilliseconds(repeats: $0, work) }
  }

  /// Work in cache, `rounds` times on every thread, each with its own memory.
  static func inCache(
    rounds: Int, operations: Double, memory: Int, _ work: @escaping (UnsafeMutablePointer<Float>) -> Void
  ) -> Kernel {
    let threads = WorkerPool.shared.threadCount
    let values = randomTensor([threads, (memory + 1023) / 1024 * 1024])
    return Kernel(bytes: 0, operations: operations * Double(rounds * threads)) { repeats in
      var values = values
      return medianMilliseconds(repeats: repeats) {
        values.withUnsafeMutableBuffer { buffer in
          guard let first = buffer.baseAddress else { return }
          let stride = buffer.count / threads
          WorkerPool.shared.run(tasks: threads) { task in
            for _ in 0..<rounds { work(first + task * stride) }
          }
        }
      }
    }
  }
}

/// A kernel by its name, made when its turn comes.
typealias KernelMaker = (name: String, make: () -> Kernel)

func randomTensor(_ shape: [Int]) -> Tensor<Float> {
  .normal(shape, from: RandomStream(seed: 0, purpose: "kernels"))
}
