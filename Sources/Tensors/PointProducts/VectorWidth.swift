// Which of the vector kernels suits the processor that the program is built for.

import COpenBLAS

/// The vectors that kernels are written in.
package enum VectorWidth: Sendable, CaseIterable {
  /// 512 bits; sums are kept in 32 registers.
  case wide
  /// 256 bits, for everything else.
  case narrow

  package static let native: VectorWidth = operators_built_for_avx512() != 0 ? .wide : .narrow
}
