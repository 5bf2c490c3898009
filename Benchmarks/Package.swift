// swift-tools-version: 6.2
import PackageDescription

// What is timed without the program around it. Beside it: peers in Python, and what compares the two.
let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "operators", path: "..")],
  targets: [
    .target(name: "Measurement"),
    .executableTarget(
      name: "KernelBenchmarks",
      dependencies: [
        "Measurement", .product(name: "Operators", package: "operators"),
        .product(name: "Autodiff", package: "operators"), .product(name: "Spectral", package: "operators"),
        .product(name: "Tensors", package: "operators"),
      ]),
    .executableTarget(
      name: "SolverBenchmarks",
      dependencies: [
        "Measurement", .product(name: "PDEData", package: "operators"),
        .product(name: "Spectral", package: "operators"), .product(name: "Tensors", package: "operators"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)
