// The functions of exponential integrators, to roundoff.

import RealModule

/// φ_0(z) = e^z, φ_k(z) = (φ_{k−1}(z) − 1/(k−1)!)/z, that is φ_k(z) = Σ_j z^j/(j+k)!, for real z.
///
/// The recursion loses digits near zero; there the series is summed. Nothing is lost anywhere: the contour integrals
/// of Kassam and Trefethen (SIAM J. Sci. Comput. 26 (2005) 1214) are not needed for real arguments.
public enum PhiFunctions {
  /// φ_k(z) for k = 0…3.
  public static func values(_ z: Double) -> SIMD4<Double> {
    guard abs(z) < 1 else {
      let phi1 = Double.expMinusOne(z) / z
      let phi2 = (phi1 - 1) / z
      return SIMD4(Double.exp(z), phi1, phi2, (phi2 - 0.5) / z)
    }
    // φ_3 by its series (|z| < 1: 18 terms reach 1/20!·…, below roundoff), the others upwards from it.
    var phi3 = 0.0
    for j in stride(from: 17, through: 0, by: -1) { phi3 = phi3 * z + inverseFactorials[j + 3] }
    let phi2 = phi3 * z + 0.5
    let phi1 = phi2 * z + 1
    return SIMD4(Double.exp(z), phi1, phi2, phi3)
  }

  private static let inverseFactorials: [Double] = {
    var values = [1.0]
    for k in 1...20 { values.append(values[k - 1] / Double(k)) }
    return values
  }()
}
