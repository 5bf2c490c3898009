// swift-tools-version: 6.2
import PackageDescription

// One target a floor; a target imports only from floors below its own (see docs/architecture.md).
// Vector instructions come from `-Xcc -march=…`, which the Makefile passes: it reaches Swift's code too.
let package = Package(
  name: "operators",
  platforms: [.macOS(.v15)],
  products: [
    .executable(name: "operatorctl", targets: ["operatorctl"]),
    .library(name: "Experiments", targets: ["Experiments"]),
    .library(name: "Operators", targets: ["Operators"]),
    .library(name: "PDEData", targets: ["PDEData"]),
    .library(name: "Autodiff", targets: ["Autodiff"]),
    .library(name: "Spectral", targets: ["Spectral"]),
    .library(name: "Tensors", targets: ["Tensors"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CFFTW", pkgConfig: "fftw3", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "CProcessor"),
    .systemLibrary(name: "CNetCDF", pkgConfig: "netcdf", providers: [.apt(["libnetcdf-dev"])]),

    .target(
      name: "Tensors",
      dependencies: ["COpenBLAS", .product(name: "RealModule", package: "swift-numerics")]),
    .target(name: "Spectral", dependencies: ["Tensors", "CFFTW"]),
    .target(name: "Autodiff", dependencies: ["Spectral", "Tensors"]),
    .target(name: "Operators", dependencies: ["Autodiff", "Spectral", "Tensors"]),
    .target(name: "PDEData", dependencies: ["Spectral", "Tensors", "CNetCDF"]),
    .target(
      name: "Experiments",
      dependencies: [
        "Operators", "PDEData", "Autodiff", "Spectral", "Tensors", "Yams",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .executableTarget(
      name: "operatorctl",
      dependencies: [
        "Experiments", "CProcessor",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
      ]),

    .testTarget(name: "TensorsTests", dependencies: ["Tensors"]),
    .testTarget(name: "SpectralTests", dependencies: ["Spectral", "Tensors"]),
    .testTarget(name: "AutodiffTests", dependencies: ["Autodiff", "Spectral", "Tensors"]),
    .testTarget(
      name: "OperatorsTests", dependencies: ["Operators", "Autodiff", "Spectral", "Tensors"],
      resources: [.copy("Fixtures")]),
    .testTarget(name: "PDEDataTests", dependencies: ["PDEData", "Spectral", "Tensors"]),
    .testTarget(
      name: "ExperimentsTests", dependencies: ["Experiments", "Operators", "PDEData", "Tensors"]),
  ],
  swiftLanguageModes: [.v6]
)
