// What the compiler was told of the processor (-march) against what the processor at hand offers.
#pragma once
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
// Compiled for the oldest processor, and not into its callers: this must run where the rest of the program cannot.
#define OPERATORS_OLDEST __attribute__((noinline, target("arch=x86-64")))
#else
#define OPERATORS_OLDEST
#endif

// The first instruction set that the program was built for and the processor or its operating system lacks; null
// where there is none. Compiled with the flags of the program itself, which define the macros.
OPERATORS_OLDEST static inline const char *operators_missing_instructions(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#define OPERATORS_NEED(feature, name) if (!__builtin_cpu_supports(feature)) return name;
#ifdef __SSE4_2__
  OPERATORS_NEED("sse4.2", "SSE4.2")
#endif
#ifdef __AVX__
  OPERATORS_NEED("avx", "AVX")
#endif
#ifdef __AVX2__
  OPERATORS_NEED("avx2", "AVX2")
#endif
#ifdef __FMA__
  OPERATORS_NEED("fma", "FMA")
#endif
#ifdef __BMI__
  OPERATORS_NEED("bmi", "BMI")
#endif
#ifdef __BMI2__
  OPERATORS_NEED("bmi2", "BMI2")
#endif
#ifdef __AVX512F__
  OPERATORS_NEED("avx512f", "AVX-512F")
#endif
#ifdef __AVX512VL__
  OPERATORS_NEED("avx512vl", "AVX-512VL")
#endif
#ifdef __AVX512BW__
  OPERATORS_NEED("avx512bw", "AVX-512BW")
#endif
#ifdef __AVX512DQ__
  OPERATORS_NEED("avx512dq", "AVX-512DQ")
#endif
#ifdef __AVX512CD__
  OPERATORS_NEED("avx512cd", "AVX-512CD")
#endif
#ifdef __AVX512IFMA__
  OPERATORS_NEED("avx512ifma", "AVX-512IFMA")
#endif
#ifdef __AVX512VBMI__
  OPERATORS_NEED("avx512vbmi", "AVX-512VBMI")
#endif
#ifdef __AVX512VBMI2__
  OPERATORS_NEED("avx512vbmi2", "AVX-512VBMI2")
#endif
#ifdef __AVX512VNNI__
  OPERATORS_NEED("avx512vnni", "AVX-512VNNI")
#endif
#ifdef __AVX512BITALG__
  OPERATORS_NEED("avx512bitalg", "AVX-512BITALG")
#endif
#ifdef __AVX512VPOPCNTDQ__
  OPERATORS_NEED("avx512vpopcntdq", "AVX-512VPOPCNTDQ")
#endif
#ifdef __AVX512BF16__
  OPERATORS_NEED("avx512bf16", "AVX-512BF16")
#endif
#ifdef __AVX512VP2INTERSECT__
  OPERATORS_NEED("avx512vp2intersect", "AVX-512VP2INTERSECT")
#endif
#undef OPERATORS_NEED
#endif
  return 0;
}

// Ends the process with one line and `exit_code` where the processor lacks what the program was built for.
OPERATORS_OLDEST static inline void operators_require_processor(int exit_code) {
  const char *missing = operators_missing_instructions();
  if (!missing) return;
  const char *parts[] = {
      "operatorctl: error: the program was built for a processor with ", missing,
      ", which this one lacks; build it here, or with OPERATORS_MARCH=x86-64-v3 or x86-64-v2\n"};
  for (int i = 0; i < 3; i++)
    if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) break;
  _exit(exit_code);
}
