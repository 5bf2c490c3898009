import Tensors
import Testing

@Suite struct SingularValueTests {
  @Test(arguments: [[5, 3], [3, 5], [4, 4], [1, 3], [2, 1], [1, 1]])
  func theFactorsAreOrthonormalAndGiveTheMatrix(shape: [Int]) throws {
    let (m, n, k) = (shape[0], shape[1], min(shape[0], shape[1]))
    let matrix = Tensor((0..<m * n).map { Double(($0 * 7 + 3) % 11) - 5 }, shape: shape)
    let svd = try #require(SingularValueDecomposition(matrix))
    #expect(svd.left.shape == [m, k] && svd.right.shape == [k, n])
    #expect(zip(svd.values, svd.values.dropFirst()).allSatisfy { $0 >= $1 })
    for i in 0..<m {
      for j in 0..<n {
        let value = (0..<k).reduce(0.0) { $0 + svd.left[i, $1] * svd.values[$1] * svd.right[$1, j] }
        #expect(abs(value - matrix[i, j]) < 1e-13)
      }
    }
    for a in 0..<k {
      for b in 0..<k {
        let rows = (0..<n).reduce(0.0) { $0 + svd.right[a, $1] * svd.right[b, $1] }
        let columns = (0..<m).reduce(0.0) { $0 + svd.left[$1, a] * svd.left[$1, b] }
        #expect(abs(rows - (a == b ? 1 : 0)) < 1e-14 && abs(columns - (a == b ? 1 : 0)) < 1e-14)
      }
    }
  }

  /// [[3, 0], [4, 5]] has the singular values √45 and √5.
  @Test func knownValues() throws {
    let svd = try #require(SingularValueDecomposition(Tensor([3.0, 0, 4, 5], shape: [2, 2])))
    #expect(abs(svd.values[0] - 45.0.squareRoot()) < 1e-14 && abs(svd.values[1] - 5.0.squareRoot()) < 1e-14)
    #expect(SingularValueDecomposition(Tensor([1, .nan], shape: [1, 2])) == nil)
  }
}
