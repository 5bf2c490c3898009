// FFTW in both precisions. Without FFTW_NO_Complex its complex type is the C99 one, which Swift cannot import.
#pragma once
#define FFTW_NO_Complex
#include <fftw3.h>
