// The terms of a CP form for a tile of modes: what happens to them between the products with its factors.

import RealModule
import Tensors

/// The scales of some terms for the modes of a tile, `[{re, im}, term, mode]`, and the sums of their gradient.
struct TermScales<Element: Scalar>: ~Copyable {
  let tile: SpectrumTile
  private let size: Int
  private let memory: AlignedMemory<Element>

  /// - Parameter terms: At most.
  init(tile: SpectrumTile, terms: Int) {
    self.tile = tile
    size = terms * tile.modes
    memory = AlignedMemory(count: 4 * size)
    Pointwise.fill(memory.pointer, with: 0, count: 4 * size)
  }

  /// Takes the scales of terms from `[2, mode, term]`; `modes` are the places of the tile's modes.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func load(_ scales: Tensor<Element>, terms: Range<Int>, modes: [Int]) {
    let (rank, plane) = (scales.shape[2], scales.shape[1] * scales.shape[2])
    let source = scales.unsafePointer
    // Neighbouring modes at once.
    var place = 0
    while place < modes.count {
      var end = place + 1
      while end < modes.count, modes[end] == modes[end - 1] + 1 { end += 1 }
      for part in 0..<2 {
        transposedCopy(
          source + (part * plane + modes[place] * rank + terms.lowerBound), rows: end - place,
          columns: terms.count, stride: rank, into: memory.pointer + (part * size + place),
          stride: tile.modes)
      }
      place = end
    }
    withExtendedLifetime(scales) {}
  }

  /// Adds the gradient of these terms' scales, and forgets it.
  @specialized(where Element == Float)
  @specialized(where Element == Double)
  func addGradient(
    to gradient: UnsafeMutablePointer<Element>, plane: Int, rank: Int, terms: Range<Int>, modes: [Int]
  ) {
    let sums = memory.pointer + 2 * size
    for (place, mode) in modes.enumerated() {
      let row = gradient + (mode * rank + terms.lowerBound)
      for term in 0..<terms.count {
        row[term] += sums[term * tile.modes + place]
        row[plane + term] += sums[size + term * tile.modes + place]
      }
    }
    Pointwise.fill(sums, with: 0, count: 2 * size)
  }

  /// From the products that terms u follow from to the planes of `u ⊙ c`, in place.
  func scale(_ products: ComplexPlanes<Element>, terms: Int) {
    switch VectorWidth.native {
    case .wide: scaleTerms(products, memory.pointer, size, terms, tile, as: Element.WideVector.self)
    case .narrow: scaleTerms(products, memory.pointer, size, terms, tile, as: Element.NarrowVector.self)
    }
  }

  /// From the products that terms u and the gradient w of `v = u ⊙ c` follow from to the planes of v and of `w ⊙ c*`, the
  /// gradient of u, in place; the gradient `Σ_batch u* ⊙ w` of c is added to the sums.
  func scaleBack(_ products: ComplexPlanes<Element>, _ gradients: ComplexPlanes<Element>, terms: Int) {
    switch VectorWidth.native {
    case .wide:
      scaleTermsBack(products, gradients, memory.pointer, size, terms, tile, as: Element.WideVector.self)
    case .narrow:
      scaleTermsBack(products, gradients, memory.pointer, size, terms, tile, as: Element.NarrowVector.self)
    }
  }
}

/// A vector of complex numbers.
private struct ComplexVector<V: SIMD & BitwiseCopyable> where V.Scalar: Real {
  var real: V
  var imaginary: V

  @inline(__always)
  init(real: V, imaginary: V) {
    self.real = real
    self.imaginary = imaginary
  }

  /// Of two planes at a distance.
  @inline(__always)
  init(_ place: UnsafePointer<V.Scalar>, distance: Int) {
    real = Self.load(place)
    imaginary = Self.load(place + distance)
  }

  /// Of the three products that it follows from.
  @inline(__always)
  init(products: ComplexPlanes<V.Scalar>, at place: Int) {
    let sum = Self.load(products[2] + place)
    real = sum - Self.load(products[1] + place)
    imaginary = sum + Self.load(products[0] + place)
  }

  @inline(__always)
  private static func load(_ place: UnsafePointer<V.Scalar>) -> V {
    UnsafeRawPointer(place).loadUnaligned(as: V.self)
  }

  @inline(__always)
  func store(_ place: UnsafeMutablePointer<V.Scalar>, distance: Int) {
    UnsafeMutableRawPointer(place).storeBytes(of: real, as: V.self)
    UnsafeMutableRawPointer(place + distance).storeBytes(of: imaginary, as: V.self)
  }

  /// Both parts and their sum.
  @inline(__always)
  func store(_ planes: ComplexPlanes<V.Scalar>, at place: Int) {
    store(planes[0] + place, distance: planes.distance)
    UnsafeMutableRawPointer(planes[2] + place).storeBytes(of: real + imaginary, as: V.self)
  }

  @inline(__always)
  static func * (a: Self, b: Self) -> Self {
    Self(
      real: multiplyAdd(a.real, b.real, -(a.imaginary * b.imaginary)),
      imaginary: multiplyAdd(a.real, b.imaginary, a.imaginary * b.real))
  }

  @inline(__always)
  var conjugate: Self { Self(real: real, imaginary: -imaginary) }

  @inline(__always)
  static func += (a: inout Self, b: Self) {
    a.real += b.real
    a.imaginary += b.imaginary
  }
}

@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
private func scaleTerms<V: SIMD & BitwiseCopyable>(
  _ products: ComplexPlanes<V.Scalar>, _ scales: UnsafePointer<V.Scalar>, _ size: Int, _ terms: Int,
  _ tile: SpectrumTile, as: V.Type
) where V.Scalar: Scalar {
  for term in 0..<terms {
    var mode = 0
    while mode < tile.modes {
      let c = ComplexVector<V>(scales + (term &* tile.modes &+ mode), distance: size)
      for sample in 0..<tile.batch {
        let place = term &* products.stride &+ sample &* tile.modes &+ mode
        (ComplexVector<V>(products: products, at: place) * c).store(products, at: place)
      }
      mode = mode &+ V.scalarCount
    }
  }
}

@specialized(where V == SIMD16<Float>)
@specialized(where V == SIMD8<Float>)
@specialized(where V == SIMD8<Double>)
@specialized(where V == SIMD4<Double>)
private func scaleTermsBack<V: SIMD & BitwiseCopyable>(
  _ products: ComplexPlanes<V.Scalar>, _ gradients: ComplexPlanes<V.Scalar>,
  _ scales: UnsafeMutablePointer<V.Scalar>, _ size: Int, _ terms: Int, _ tile: SpectrumTile, as: V.Type
) where V.Scalar: Scalar {
  for term in 0..<terms {
    var mode = 0
    while mode < tile.modes {
      let scale = scales + (term &* tile.modes &+ mode)
      let c = ComplexVector<V>(scale, distance: size)
      let sums = scale + 2 &* size
      var sum = ComplexVector<V>(sums, distance: size)
      for sample in 0..<tile.batch {
        let place = term &* products.stride &+ sample &* tile.modes &+ mode
        let u = ComplexVector<V>(products: products, at: place)
        let w = ComplexVector<V>(products: gradients, at: place)
        sum += u.conjugate * w
        (u * c).store(products, at: place)
        (w * c.conjugate).store(gradients, at: place)
      }
      sum.store(sums, distance: size)
      mode = mode &+ V.scalarCount
    }
  }
}
