// NetCDF-C, serial.
#pragma once
#include <netcdf.h>
