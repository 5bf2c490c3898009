// Neighbouring lines as the lanes of vectors: what the kernels for lines are written in.

import RealModule
import Tensors

/// Numbers of as many neighbouring lines as a kernel keeps in registers at once.
///
/// The recurrences along a line are chains of dependent operations; side by side they fill the processor's pipelines.
protocol LaneBlock {
  associatedtype Element: Scalar
  /// Lines in a block.
  static var width: Int { get }
  static var zero: Self { get }
  static func repeating(_ value: Element) -> Self
  static func load(_ address: UnsafePointer<Element>) -> Self
  func store(_ address: UnsafeMutablePointer<Element>)
  /// `factor · self + addend`, contracted where the processor can.
  func multiplyAdd(_ factor: Element, _ addend: Self) -> Self
  func multiplyAdd(_ factor: Self, _ addend: Self) -> Self
  func scaled(by factor: Element) -> Self
  func plus(_ other: Self) -> Self
  func times(_ other: Self) -> Self
  func negated() -> Self
  func reciprocal() -> Self
}

/// One line alone.
struct OneLane<Element: Scalar>: LaneBlock {
  var value: Element

  @inline(__always) static var width: Int { 1 }
  @inline(__always) static var zero: Self { Self(value: 0) }
  @inline(__always) static func repeating(_ value: Element) -> Self { Self(value: value) }
  @inline(__always) static func load(_ address: UnsafePointer<Element>) -> Self { Self(value: address[0]) }
  @inline(__always) func store(_ address: UnsafeMutablePointer<Element>) { address[0] = value }

  @inline(__always) func multiplyAdd(_ factor: Element, _ addend: Self) -> Self {
    Self(value: Relaxed.multiplyAdd(factor, value, addend.value))
  }

  @inline(__always) func multiplyAdd(_ factor: Self, _ addend: Self) -> Self {
    multiplyAdd(factor.value, addend)
  }

  @inline(__always) func scaled(by factor: Element) -> Self { Self(value: value * factor) }
  @inline(__always) func plus(_ other: Self) -> Self { Self(value: value + other.value) }
  @inline(__always) func times(_ other: Self) -> Self { Self(value: value * other.value) }
  @inline(__always) func negated() -> Self { Self(value: -value) }
  @inline(__always) func reciprocal() -> Self { Self(value: 1 / value) }
}

/// Sixteen lines: one or two vectors of 512 bits.
struct SixteenLanes<Element: Scalar>: LaneBlock {
  var lanes: SIMD16<Element>

  @inline(__always) static var width: Int { 16 }
  @inline(__always) static var zero: Self { Self(lanes: .zero) }
  @inline(__always) static func repeating(_ value: Element) -> Self { Self(lanes: SIMD16(repeating: value)) }

  @inline(__always) static func load(_ address: UnsafePointer<Element>) -> Self {
    Self(lanes: UnsafeRawPointer(address).loadUnaligned(as: SIMD16<Element>.self))
  }

  @inline(__always) func store(_ address: UnsafeMutablePointer<Element>) {
    UnsafeMutableRawPointer(address).storeBytes(of: lanes, as: SIMD16<Element>.self)
  }

  @inline(__always) func multiplyAdd(_ factor: Element, _ addend: Self) -> Self {
    var result = addend.lanes
    for lane in 0..<16 { result[lane] = Relaxed.multiplyAdd(factor, lanes[lane], result[lane]) }
    return Self(lanes: result)
  }

  @inline(__always) func multiplyAdd(_ factor: Self, _ addend: Self) -> Self {
    var result = addend.lanes
    for lane in 0..<16 { result[lane] = Relaxed.multiplyAdd(factor.lanes[lane], lanes[lane], result[lane]) }
    return Self(lanes: result)
  }

  @inline(__always) func scaled(by factor: Element) -> Self { Self(lanes: lanes * factor) }
  @inline(__always) func plus(_ other: Self) -> Self { Self(lanes: lanes + other.lanes) }
  @inline(__always) func times(_ other: Self) -> Self { Self(lanes: lanes * other.lanes) }
  @inline(__always) func negated() -> Self { Self(lanes: .zero - lanes) }
  @inline(__always) func reciprocal() -> Self { Self(lanes: SIMD16(repeating: 1) / lanes) }
}

/// Sixty-four lines: a row of 256 or 512 contiguous bytes, whole cache lines where it is aligned.
struct SixtyFourLanes<Element: Scalar>: LaneBlock {
  typealias Part = SixteenLanes<Element>
  var first: Part
  var second: Part
  var third: Part
  var fourth: Part

  @inline(__always) static var width: Int { 64 }
  @inline(__always) static var zero: Self { repeating(0) }

  @inline(__always) static func repeating(_ value: Element) -> Self {
    let part = Part.repeating(value)
    return Self(first: part, second: part, third: part, fourth: part)
  }

  @inline(__always) static func load(_ address: UnsafePointer<Element>) -> Self {
    Self(
      first: .load(address), second: .load(address + 16), third: .load(address + 32),
      fourth: .load(address + 48))
  }

  @inline(__always) func store(_ address: UnsafeMutablePointer<Element>) {
    first.store(address)
    second.store(address + 16)
    third.store(address + 32)
    fourth.store(address + 48)
  }

  @inline(__always) func multiplyAdd(_ factor: Element, _ addend: Self) -> Self {
    Self(
      first: first.multiplyAdd(factor, addend.first), second: second.multiplyAdd(factor, addend.second),
      third: third.multiplyAdd(factor, addend.third), fourth: fourth.multiplyAdd(factor, addend.fourth))
  }

  @inline(__always) func multiplyAdd(_ factor: Self, _ addend: Self) -> Self {
    Self(
      first: first.multiplyAdd(factor.first, addend.first),
      second: second.multiplyAdd(factor.second, addend.second),
      third: third.multiplyAdd(factor.third, addend.third),
      fourth: fourth.multiplyAdd(factor.fourth, addend.fourth))
  }

  @inline(__always) func scaled(by factor: Element) -> Self {
    Self(
      first: first.scaled(by: factor), second: second.scaled(by: factor), third: third.scaled(by: factor),
      fourth: fourth.scaled(by: factor))
  }

  @inline(__always) func plus(_ other: Self) -> Self {
    Self(
      first: first.plus(other.first), second: second.plus(other.second), third: third.plus(other.third),
      fourth: fourth.plus(other.fourth))
  }

  @inline(__always) func times(_ other: Self) -> Self {
    Self(
      first: first.times(other.first), second: second.times(other.second), third: third.times(other.third),
      fourth: fourth.times(other.fourth))
  }

  @inline(__always) func negated() -> Self {
    Self(
      first: first.negated(), second: second.negated(), third: third.negated(), fourth: fourth.negated())
  }

  @inline(__always) func reciprocal() -> Self {
    Self(
      first: first.reciprocal(), second: second.reciprocal(), third: third.reciprocal(),
      fourth: fourth.reciprocal())
  }
}
