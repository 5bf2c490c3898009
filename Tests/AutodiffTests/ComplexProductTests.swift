import Autodiff
import Tensors
import Testing

/// Contractions by three real products, at sizes beyond their blocks, panels and tiles: against their definitions, and
/// the gradients against the identity `⟨g, f(…, v, …)⟩ = ⟨∂, v⟩`, exact for what is linear in each of its inputs.
///
/// Sums of a few hundred products of numbers below one: 1e-12 is some thousand units in the last place of the largest.
@Suite struct ComplexProductTests {
  struct Complex: Equatable {
    var re: Double
    var im: Double
    static func * (a: Self, b: Self) -> Self {
      Self(re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re)
    }
    static func += (a: inout Self, b: Self) { a = Self(re: a.re + b.re, im: a.im + b.im) }
  }

  /// The number at `[…outer, part, …inner]`, of all `inner` numbers of a part.
  private static func complex(_ values: [Double], _ outer: Int, _ inner: Int, of count: Int) -> Complex {
    Complex(re: values[2 * outer * count + inner], im: values[(2 * outer + 1) * count + inner])
  }

  private func expectLinear(
    _ inputs: [Tensor<Double>], _ function: (Tape<Double>, [Variable<Double>]) -> Variable<Double>
  ) throws {
    let tape = Tape<Double>()
    let variables = inputs.map { tape.variable($0) }
    let output = function(tape, variables)
    let g = scattered(output.shape, seed: 50)
    var copy = Tensor<Double>(uninitialized: g.shape)
    copy.copyValues(from: g)
    tape.backward(from: output, gradient: copy)
    for index in inputs.indices {
      let direction = scattered(inputs[index].shape, seed: 60 + UInt64(index))
      let plain = Tape<Double>(recording: false)
      let along = function(
        plain, inputs.indices.map { plain.variable($0 == index ? direction : inputs[$0]) })
      let expected = zip(g.values, along.value.values).reduce(0) { $0 + $1.0 * $1.1 }
      let gradient = try #require(tape.gradient(of: variables[index]))
      let found = zip(gradient.values, direction.values).reduce(0) { $0 + $1.0 * $1.1 }
      let scale = zip(g.values, along.value.values).reduce(0) { $0 + abs($1.0 * $1.1) }
      #expect(abs(found - expected) <= 1e-13 * scale, "input \(index): \(found) for \(expected)")
    }
  }

  // Several panels and blocks of rows; then several places of the first axis, and few columns.
  @Test(arguments: [(1, 70, 19, 300), (3, 33, 5, 21), (2, 65, 1, 145)])
  func modeExpansion(batch: Int, rows: Int, terms: Int, columns: Int) throws {
    let n = scattered([batch, 2, terms, columns], seed: 1)
    let m = scattered([2, rows, terms], seed: 2)
    let tape = Tape<Double>(recording: false)
    let c = tape.modeExpansion(tape.variable(n), by: tape.variable(m), columns: columns).value.values
    for b in 0..<batch {
      for k in 0..<rows {
        for j in 0..<columns {
          var sum = Complex(re: 0, im: 0)
          for i in 0..<terms {
            sum +=
              Self.complex(m.values, 0, k * terms + i, of: rows * terms)
              * Self.complex(n.values, b, i * columns + j, of: terms * columns)
          }
          let found = Self.complex(c, b * rows + k, j, of: columns)
          guard abs(found.re - sum.re) + abs(found.im - sum.im) > 1e-12 else { continue }
          Issue.record("[\(b), \(k), \(j)]: \(found) for \(sum)")
          return
        }
      }
    }
    try expectLinear([n, m]) { $0.modeExpansion($1[0], by: $1[1], columns: columns) }
  }

  // Tiles of many modes and of few, the last one padded; blocks of terms.
  @Test(arguments: [(37, 20, 70), (130, 2, 129), (5, 1, 3)])
  func canonicalContraction(modes: Int, batch: Int, rank: Int) throws {
    let (inChannels, outChannels) = (5, 6)
    let x = scattered([modes, 2, batch, inChannels], seed: 1)
    let a = scattered([2, inChannels, rank], seed: 2)
    let c = scattered([2, modes + 1, rank], seed: 3)
    let b = scattered([2, outChannels, rank], seed: 4)
    let indices = (0..<modes).map { $0 + ($0 > modes / 2 ? 1 : 0) }
    let tape = Tape<Double>(recording: false)
    let y = tape.canonicalContraction(
      tape.variable(x), first: tape.variable(a), scales: tape.variable(c), second: tape.variable(b),
      modeIndices: indices
    ).value.values
    for k in 0..<modes {
      for sample in 0..<batch {
        var rows = [Complex](repeating: Complex(re: 0, im: 0), count: outChannels)
        for r in 0..<rank {
          var term = Complex(re: 0, im: 0)
          for i in 0..<inChannels {
            term +=
              Self.complex(x.values, k, sample * inChannels + i, of: batch * inChannels)
              * Self.complex(a.values, 0, i * rank + r, of: inChannels * rank)
          }
          term = term * Self.complex(c.values, 0, indices[k] * rank + r, of: (modes + 1) * rank)
          for o in 0..<outChannels {
            rows[o] += term * Self.complex(b.values, 0, o * rank + r, of: outChannels * rank)
          }
        }
        for o in 0..<outChannels {
          let found = Self.complex(y, k, sample * outChannels + o, of: batch * outChannels)
          guard abs(found.re - rows[o].re) + abs(found.im - rows[o].im) > 1e-12 else { continue }
          Issue.record("[\(k), \(sample), \(o)]: \(found) for \(rows[o])")
          return
        }
      }
    }
    try expectLinear([x, a, c, b]) {
      $0.canonicalContraction($1[0], first: $1[1], scales: $1[2], second: $1[3], modeIndices: indices)
    }
  }
}
