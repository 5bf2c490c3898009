// Times solvers and their kernels; one line of JSON a benchmark.
//
//     SolverBenchmarks [poisson3d] [sweeps] [--points 255] [--threads 2] [--repeats 5]

import Foundation
import Measurement
import PDEData
import Spectral
import Tensors

@main
struct SolverBenchmarks {
  static func main() { exitOnError(run) }

  private static func run() throws {
    var (names, points, repeats): ([String], [Int], Int) = ([], [], 5)
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
      case "--points": points.append(number)
      case "--threads": WorkerPool.shared.threadCount = number
      case "--repeats": repeats = number
      default: throw UsageError(description: "there is no \(argument)")
      }
    }
    FFTPlanner.effort = .measure
    for name in names.isEmpty ? ["poisson3d", "sweeps"] : names {
      switch name {
      case "poisson3d": for n in points.isEmpty ? [255, 256] : points { try poisson(n, repeats) }
      case "sweeps": for n in points.isEmpty ? [256] : points { try sweeps(n, repeats) }
      default: throw UsageError(description: "there is no benchmark \(name)")
      }
    }
  }

  /// −Δu = f on n³ inner points of the unit cube, u = 0 on its boundary; a sine mode, whose discrete solution is known.
  private static func poisson(_ n: Int, _ repeats: Int) throws {
    let axis = Grid.Axis(name: "x", count: n + 2, placement: .nodes)
    let grid = Grid(axes: [axis, axis, axis])
    let sine = axis.coordinates.map { Foundation.sin(.pi * $0) }
    var source = Tensor<Double>(uninitialized: grid.shape)
    source.withUnsafeMutableBuffer { values in
      let m = n + 2
      for i in values.indices { values[i] = sine[i / (m * m)] * sine[i / m % m] * sine[i % m] }
    }
    let solver = PoissonSolver<Double>(grid: grid, boundary: [.dirichlet, .dirichlet, .dirichlet])
    let half = Foundation.sin(.pi * axis.spacing / 2)
    let eigenvalue = 12 / (axis.spacing * axis.spacing) * half * half
    let error = (solver.solve(source) - (1 / eigenvalue) * source).maximumMagnitude() * eigenvalue
    let milliseconds = medianMilliseconds(repeats: repeats) { _ = solver.solve(source) }
    try report(
      "poisson3d",
      [
        "points": Double(n), "milliseconds": milliseconds, "relative_error": error,
        "threads": Double(WorkerPool.shared.threadCount),
      ])
  }

  /// Tridiagonal systems along each axis of an array of n³, plain and cyclic, beside a copy of it.
  private static func sweeps(_ n: Int, _ repeats: Int) throws {
    var values = Tensor<Double>(repeating: 1, shape: [n, n, n])
    var target = Tensor<Double>(repeating: 0, shape: [n, n, n])
    for isCyclic in [false, true] {
      let solver = LineSolver<Double>(
        TridiagonalMatrix(count: n, lower: -0.4, diagonal: 1.8, upper: -0.4, isCyclic: isCyclic))
      for axis in 0..<3 {
        let copy = medianMilliseconds(repeats: repeats) { target.copyValues(from: values) }
        let sweep = medianMilliseconds(repeats: repeats) { solver.solve(&values, axis: axis) }
        try report(
          isCyclic ? "cyclic sweep" : "sweep",
          [
            "points": Double(n), "axis": Double(axis), "milliseconds": sweep, "copy_milliseconds": copy,
            "ratio": sweep / copy, "threads": Double(WorkerPool.shared.threadCount),
          ])
      }
    }
  }
}
