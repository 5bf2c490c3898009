import PDEData
import Tensors
import Testing

@Suite struct LineSolverTests {
  private func random(_ shape: [Int], _ purpose: String) -> Tensor<Double> {
    Tensor.uniform(
      shape, from: RandomStream(seed: 7, purpose: RandomPurpose(purpose), sample: 0), lower: -1, upper: 1)
  }

  /// A matrix without symmetry whose rows are dominated by their diagonals.
  private func matrix(_ n: Int, isCyclic: Bool = false, hasThirds: Bool = false) -> TridiagonalMatrix {
    var (a, c) = (random([n], "lower").values, random([n], "upper").values)
    if !isCyclic { (a[0], c[n - 1]) = (0, 0) }
    let b = random([n], "diagonal").values.map { 3 + $0 }
    let thirds = hasThirds && n >= 3 ? (0.7, -0.6) : (0, 0)
    return TridiagonalMatrix(
      lower: a, diagonal: b, upper: c, isCyclic: isCyclic, firstRowThird: thirds.0,
      lastRowThird: thirds.1)
  }

  /// Every line along an axis, as arrays of offsets.
  private func lines(_ shape: [Int], axis: Int) -> [[Int]] {
    let strides = Tensor<Double>.strides(of: shape)
    return (0..<shape.reduce(1, *)).filter { $0 / strides[axis] % shape[axis] == 0 }.map { start in
      (0..<shape[axis]).map { start + $0 * strides[axis] }
    }
  }

  /// Shapes whose lines of n points lie in every way: few and many, contiguous and apart, in and out of step with
  /// vectors.
  private func layouts(_ n: Int) -> [(shape: [Int], axis: Int)] {
    [
      ([n], 0), ([n, 2], 0), ([n, 5], 0), ([n, 16], 0), ([n, 83], 0), ([2, n, 64], 1), ([3, n, 7], 1),
      ([2, n], 1), ([16, n], 1), ([37, n], 1), ([n, 3, 6], 0), ([3, 6, n], 2),
    ]
  }

  private static let orders = [1, 2, 3, 4, 5, 8, 17, 61]

  /// A x = d: what is put back into the equations leaves a residual of a few roundings.
  @Test(arguments: orders, [false, true])
  func oneMatrix(n: Int, isCyclic: Bool) {
    for hasThirds in isCyclic || n < 3 ? [false] : [false, true] {
      let matrix = matrix(n, isCyclic: isCyclic, hasThirds: hasThirds)
      let solver = LineSolver<Double>(matrix)
      let single = LineSolver<Float>(matrix)
      for (shape, axis) in layouts(n) {
        let right = random(shape, "right")
        var (x, narrow) = (right, right.converted(to: Float.self))
        solver.solve(&x, axis: axis)
        single.solve(&narrow, axis: axis)
        for line in lines(shape, axis: axis) {
          let product = matrix.multiplied(by: line.map { x.values[$0] })
          let residual = zip(product, line).reduce(0) { max($0, abs($1.0 - right.values[$1.1])) }
          #expect(residual <= 1e-14, "\(shape) \(axis)")
        }
        let difference = zip(x.values, narrow.values).reduce(0) { max($0, abs($1.0 - Double($1.1))) }
        #expect(difference <= 2e-6, "\(shape) \(axis)")
      }
    }
  }

  /// The fill of a cyclic elimination is cut off where it has decayed: lines long enough for that.
  @Test(arguments: [257, 1024, 3001])
  func longCyclicLines(n: Int) {
    let matrix = TridiagonalMatrix(count: n, lower: -0.9, diagonal: 2, upper: -1.05, isCyclic: true)
    var x = random([3, n], "right")
    let right = x.values
    LineSolver<Double>(matrix).solve(&x, axis: 1)
    for line in lines([3, n], axis: 1) {
      let product = matrix.multiplied(by: line.map { x.values[$0] })
      #expect(zip(product, line).allSatisfy { abs($0 - right[$1]) <= 1e-14 * 20 })
    }
  }

  /// Every line has its own matrix, given point by point.
  @Test(arguments: orders, [false, true])
  func matricesThatVary(n: Int, isCyclic: Bool) {
    for (shape, axis) in layouts(n) {
      let (a, c) = (random(shape, "lower"), random(shape, "upper"))
      var b = random(shape, "diagonal")
      b += 3
      let right = random(shape, "right")
      var x = right
      VariableLines.solve(&x, lower: a, diagonal: b, upper: c, axis: axis, isCyclic: isCyclic)
      let (av, bv, cv, xv) = (a.values, b.values, c.values, x.values)
      for line in lines(shape, axis: axis) {
        for (i, point) in line.enumerated() {
          var product = bv[point] * xv[point]
          if isCyclic || i > 0 { product += av[point] * xv[line[(i + n - 1) % n]] }
          if isCyclic || i < n - 1 { product += cv[point] * xv[line[(i + 1) % n]] }
          #expect(abs(product - right.values[point]) <= 1e-14, "\(shape) \(axis)")
        }
      }
    }
  }

  /// Line ℓ has the matrix A + s_ℓ B.
  @Test(arguments: orders)
  func shiftedMatrices(n: Int) {
    let a = matrix(n)
    let b = TridiagonalMatrix(count: n, lower: 1.0 / 12, diagonal: 10.0 / 12, upper: 1.0 / 12)
    for (shape, axis) in layouts(n) {
      var shifts = random([shape.reduce(1, *) / n], "shifts")
      shifts += 1
      let right = random(shape, "right")
      var x = right
      VariableLines.solve(&x, a, plus: b, times: shifts, axis: axis)
      for (index, line) in lines(shape, axis: axis).enumerated() {
        let product = a.adding(shifts.values[index], times: b).multiplied(by: line.map { x.values[$0] })
        #expect(zip(product, line).allSatisfy { abs($0 - right.values[$1]) <= 1e-14 }, "\(shape) \(axis)")
      }
    }
  }

  @Test func resultsDoNotDependOnTheNumberOfThreads() {
    let threads = WorkerPool.shared.threadCount
    defer { WorkerPool.shared.threadCount = threads }
    let solver = LineSolver<Double>(matrix(67))
    let right = random([67, 67, 67], "right")
    for axis in 0..<3 {
      let results = [1, 2, 3].map { count in
        WorkerPool.shared.threadCount = count
        var x = right
        solver.solve(&x, axis: axis)
        return x.values
      }
      #expect(results[0] == results[1] && results[0] == results[2])
    }
  }
}
