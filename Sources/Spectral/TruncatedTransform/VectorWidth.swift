// Which of the vector kernels suits the processor that the program is built for.

import CFFTW

/// Kernels in vectors of 512 bits keep their sums in 32 wide registers; narrower ones suit everything else.
enum VectorWidth {
  static let isWide = operators_built_for_avx512() != 0
}
