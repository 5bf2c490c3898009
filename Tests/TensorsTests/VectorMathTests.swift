import Foundation
import Tensors
import Testing

/// The distance in units in the last place of `scale` (of the reference where it is nil).
private func ulps<E: Scalar>(_ value: E, _ reference: Double, scale: Double? = nil) -> Double {
  let size = E(abs(scale ?? reference))
  return abs(Double(value) - reference) / Double(size.ulp)
}

@Suite struct VectorMathTests {
  /// x, e^x, tanh x, x·Φ(x) and its derivative, to 17 digits by mpmath.
  static let table: [(x: Double, exp: Double, tanh: Double, gelu: Double, derivative: Double)] = [
    (-700.0, 9.8596765437597709e-305, -1.0, 0, 0),
    (-38.4, 2.1042236376776231e-17, -1.0, 0, 0),
    (-37.25, 6.6455441729150705e-17, -1.0, -1.9734635705229076e-302, -7.3511441913164053e-301),
    (-30.25, 7.2877240958196924e-14, -1.0, -7.891136864367313e-200, -2.3870632308191577e-198),
    (-12.5, 3.726653172078671e-6, -0.99999999997222411, -4.6657053735971417e-35, -5.8316685544801554e-34),
    (-8.1, 3.0353913807886677e-4, -0.99999981572800029, -2.225847107842565e-15, -1.8021560226310078e-14),
    (-5.0, 0.0067379469990854671, -0.99990920426259513, -1.4332578593959696e-6, -7.1469460017922946e-6),
    (-3.3, 0.036883167401240012, -0.99728296009914208, -0.0015952996698664657, -0.00520105335649337),
    (-1.7, 0.18268352405273466, -0.93540907060309897, -0.075761286689523172, -0.11531796878216473),
    (-1.0, 0.36787944117144232, -0.76159415595576489, -0.15865525393145705, -0.083315470587686298),
    (-0.5, 0.60653065971263342, -0.46211715726000976, -0.15426876936299345, 0.13250487534383716),
    (-0.3, 0.74081822068171787, -0.2913126124515909, -0.11462657334331421, 0.26767223317289015),
    (-0.04, 0.96078943915232321, -0.039978680311163571, -0.01936186252588677, 0.46810163297898504),
    (-1e-3, 0.99900049983337499, -9.9999966666680002e-4, -4.9960105778608895e-4, 0.4992021157051586),
    (-1e-9, 0.999999999, -1.0000000000000001e-9, -4.9999999960105775e-10, 0.49999999920211544),
    (1e-300, 1.0, 1.0e-300, 5.0000000000000001e-301, 0.5),
    (1e-5, 1.0000100000500002, 9.9999999996666675e-6, 5.0000398942280399e-6, 0.50000797884560776),
    (0.02, 1.0202013400267558, 0.019997333759930932, 0.01015956627433804, 0.5159555637153753),
    (0.2, 1.2214027581601698, 0.19737532022490401, 0.11585194188782061, 0.65746824823419421),
    (0.61, 1.8404313987816374, 0.54412709885356747, 0.44473214869236651, 0.93111005113359758),
    (1.0, 2.7182818284590452, 0.76159415595576489, 0.84134474606854295, 1.0833154705876863),
    (2.5, 12.182493960703473, 0.98661429815143029, 2.4844758366855597, 1.0376110859081452),
    (6.0, 403.42879349273512, 0.99998771165079557, 5.9999999940804741, 1.0000000354687095),
    (9.0, 8103.083927575384, 0.99999996954004097, 9.0, 1.0),
    (21.0, 1.3188157344832147e+9, 1.0, 21.0, 1.0),
    (700.0, 1.0142320547350045e+304, 1.0, 700.0, 1.0),
  ]

  @Test(arguments: table.indices)
  func doublesAgreeWithMultiplePrecision(index: Int) {
    let (x, exponential, tangent, gelu, derivative) = Self.table[index]
    let terms = 0.5 * erfc(-x / 2.0.squareRoot()) + abs(x) * exp(-x * x / 2) * 0.3989422804014327
    #expect(ulps(VectorMath.exp(x), exponential) <= 4)
    #expect(ulps(VectorMath.tanh(x), tangent) <= 4)
    // x² and its product with ½ log₂e are rounded before e^(−x²/2) is taken.
    let limit = 4 + x * x
    if abs(gelu) > 0 { #expect(ulps(VectorMath.gelu(x), gelu) <= limit) }
    if abs(gelu) > 0 { #expect(ulps(VectorMath.geluDerivative(x), derivative, scale: terms) <= limit) }
    #expect(VectorMath.geluWithDerivative(x).value == VectorMath.gelu(x))
    #expect(VectorMath.geluWithDerivative(x).derivative == VectorMath.geluDerivative(x))
  }

  /// Every 4099th of all floats, by the vector kernels, against the C library in double.
  @Test func floatsAreWithinFourUnitsEverywhere() {
    let x = stride(from: UInt32(0), through: .max - 4099, by: 4099).map { Float(bitPattern: $0) }
      .filter { $0.isFinite }
    var (exponential, tangent, gelu, derivative) = (x, x, x, x)
    VectorMath.exp(x, into: &exponential, count: x.count)
    VectorMath.tanh(x, into: &tangent, count: x.count)
    VectorMath.gelu(x, into: &gelu, derivative: &derivative, count: x.count)
    var worst = (exp: 0.0, tanh: 0.0, gelu: 0.0, derivative: 0.0)
    let normal = 8 * Double(Float.leastNormalMagnitude)
    for i in x.indices {
      let v = Double(x[i])
      let e = exp(v)
      if e < Double(Float.greatestFiniteMagnitude) {
        worst.exp = max(worst.exp, ulps(exponential[i], e))
      } else {
        #expect(exponential[i] == .infinity)
      }
      worst.tanh = max(worst.tanh, ulps(tangent[i], tanh(v)))
      let (phi, density) = (0.5 * erfc(-v / 2.0.squareRoot()), exp(-v * v / 2) * 0.3989422804014327)
      // A rounded square allows more units in the negative tail.
      let units = v < 0 ? 4 / (4 + v * v) : 1
      let (value, slope, terms) = (v * phi, phi + v * density, phi + abs(v * density))
      // Where e^(−x²/2) is below the smallest normal number the tail is flushed to zero.
      if abs(value) >= normal {
        worst.gelu = max(worst.gelu, ulps(gelu[i], value) * units)
      } else {
        #expect(abs(Double(gelu[i])) <= normal)
      }
      if terms >= normal {
        worst.derivative = max(
          worst.derivative, ulps(derivative[i], slope, scale: terms) * units)
      } else {
        #expect(abs(Double(derivative[i])) <= normal)
      }
    }
    #expect(worst.exp <= 4 && worst.tanh <= 4 && worst.gelu <= 4 && worst.derivative <= 4, "\(worst)")
  }

  private func checkLimits<E: Scalar>(_ type: E.Type) {
    for large in [E.infinity, E.greatestFiniteMagnitude] {
      #expect(VectorMath.exp(large) == .infinity && VectorMath.exp(-large) == 0)
      #expect(VectorMath.tanh(large) == 1 && VectorMath.tanh(-large) == -1)
      #expect(VectorMath.gelu(large) == large && VectorMath.gelu(-large) == 0)
      #expect(VectorMath.geluDerivative(large) == 1 && VectorMath.geluDerivative(-large) == 0)
    }
    #expect(VectorMath.exp(E.nan).isNaN && VectorMath.tanh(E.nan).isNaN && VectorMath.gelu(E.nan).isNaN)
    #expect(VectorMath.geluDerivative(E.nan).isNaN)
    #expect(VectorMath.exp(E.zero) == 1 && VectorMath.tanh(E.zero) == 0 && VectorMath.gelu(E.zero) == 0)
    #expect(VectorMath.tanh(-E.zero).sign == .minus)
    let tiny = E.leastNonzeroMagnitude * 8
    #expect(VectorMath.tanh(tiny) == tiny && VectorMath.gelu(tiny) == tiny / 2)
  }

  @Test func limitsAreExact() {
    checkLimits(Float.self)
    checkLimits(Double.self)
    // e^−744 is 1.55 of the smallest number there is.
    #expect(VectorMath.exp(-744.0) == 2 * Double.leastNonzeroMagnitude)
  }

  /// gelu(x) − gelu(−x) = x and gelu′(x) + gelu′(−x) = 1.
  @Test(arguments: [0, 1, 15, 16, 17, 100])
  func kernelsOfEverySizeAgreeAndAreSymmetric(count: Int) {
    let x = (0..<count).map { Double($0) / 7 - 3 }
    let opposite = x.map { -$0 }
    var (y, d, inPlace, fused, slope, other, gradient) = (
      x, x, x, x, x, x, [Double](repeating: 2, count: count)
    )
    VectorMath.gelu(x, into: &y, derivative: &d, count: count)
    VectorMath.gelu(inPlace: &inPlace, count: count)
    VectorMath.gelu(inPlace: &fused, derivative: &slope, count: count)
    VectorMath.gelu(opposite, into: &other, count: count)
    VectorMath.geluBackward(gradient: &gradient, input: x, count: count)
    for i in 0..<count {
      #expect(inPlace[i] == y[i] && fused[i] == y[i] && slope[i] == d[i] && gradient[i] == 2 * d[i])
      #expect(abs(y[i] - other[i] - x[i]) <= 4 * x[i].ulp)
      #expect(abs(d[i] + VectorMath.geluDerivative(-x[i]) - 1) <= 8 * Double.ulpOfOne)
    }
  }
}
