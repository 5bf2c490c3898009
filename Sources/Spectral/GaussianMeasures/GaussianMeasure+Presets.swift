// The measures that the literature's data sets were drawn from. Their zero mode is left out: the mean is zero.

extension GaussianMeasure {
  /// Burgers' initial states of Li et al., "Fourier neural operator" (ICLR 2021): 625 (−Δ + 25)^−2, periodic on
  /// [0, 1]; standard deviation 0.593574. The cutoff is what 1023 points resolve; the modes beyond it have a root
  /// mean square of 5e-5.
  public static let burgersPaper = GaussianMeasure(
    constant: 625, shift: 25, power: 2, boundary: .periodic, maximumWavenumber: 511)

  /// Burgers' initial states of the released script: σ² (−Δ + τ²)^−γ with σ = 49, τ = 7, γ = 5/2, periodic on [0, 1];
  /// standard deviation 0.274097. The cutoff is what the script's 1024 points resolve.
  public static let burgersScript = GaussianMeasure(
    constant: 2401, shift: 49, power: 2.5, boundary: .periodic, maximumWavenumber: 511)

  /// The field under Darcy's coefficients (Li et al. 2021), to be cut at zero: 9 (−Δ + 9)^−2 on the unit square with
  /// Neumann boundaries, without the mode (0,0); root mean square 0.292083, the cutoff being that of the 421² points
  /// of the data set.
  public static let darcyPaper = GaussianMeasure(
    constant: 9, shift: 9, power: 2, boundary: .neumann, maximumWavenumber: 420)

  /// Vorticity of Navier–Stokes (Li et al. 2021): 7^(3/2) (−Δ + 49)^−2.5, periodic on the unit square; standard
  /// deviation 0.043042. The cutoff is what the data set's 256² points resolve.
  public static let navierStokesPaper = GaussianMeasure(
    constant: Double.pow(7, 1.5), shift: 49, power: 2.5, boundary: .periodic, maximumWavenumber: 127)

  /// Vorticity of the released Navier–Stokes script: 7³ (−Δ + 49)^−2.5; standard deviation 0.185233.
  public static let navierStokesScript = GaussianMeasure(
    constant: 343, shift: 49, power: 2.5, boundary: .periodic, maximumWavenumber: 127)
}
