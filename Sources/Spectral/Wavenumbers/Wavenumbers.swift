// Which wave each coefficient of a Fourier transform belongs to.

/// Wavenumbers in the order of the FFT's coefficients.
public enum Wavenumbers {
  /// Integer wavenumbers of a full axis of n points: `0, 1, …, ⌈n/2⌉ − 1, −⌊n/2⌋, …, −1`. At even n the Nyquist
  /// wavenumber stands as −n/2.
  public static func full(_ count: Int) -> [Int] {
    (0..<count).map { $0 < (count + 1) / 2 ? $0 : $0 - count }
  }

  /// Integer wavenumbers of the halved axis of a real transform of n points: `0, 1, …, ⌊n/2⌋`.
  public static func halved(_ count: Int) -> [Int] { Array(0...count / 2) }

  /// Angular wavenumbers 2πk/L of a full axis of length L.
  public static func angular(_ count: Int, length: Double) -> [Double] {
    full(count).map { 2 * .pi * Double($0) / length }
  }

  /// Angular wavenumbers 2πk/L of a halved axis of length L.
  public static func angularHalved(_ count: Int, length: Double) -> [Double] {
    halved(count).map { 2 * .pi * Double($0) / length }
  }
}
