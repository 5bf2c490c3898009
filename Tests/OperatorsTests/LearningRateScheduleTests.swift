// Schedules against PyTorch's, at base learning rate 0.002. Numbers from torch 2.13.

import Operators
import Testing

@Suite struct LearningRateScheduleTests {
  private func rates(
    _ schedule: LearningRateSchedule, epochs: Int, stepsPerEpoch: Int = 1
  ) -> [Double] {
    (0..<epochs * stepsPerEpoch).map { index in
      schedule.learningRate(
        base: 0.002, at: TrainingPosition(epoch: index / stepsPerEpoch, step: index % stepsPerEpoch),
        epochs: epochs, stepsPerEpoch: stepsPerEpoch)
    }
  }

  private func expect(_ rates: [Double], _ expected: [Double]) {
    #expect(rates.count == expected.count)
    // PyTorch's recursions round at every step.
    for (rate, expected) in zip(rates, expected) { #expect(abs(rate - expected) <= 1e-14) }
  }

  @Test func constant() {
    expect(rates(LearningRateSchedule(.constant), epochs: 3), [0.002, 0.002, 0.002])
  }

  /// `CosineAnnealingLR(T_max=8, eta_min=1e-4)`.
  @Test func cosine() {
    expect(
      rates(LearningRateSchedule(.cosine(finalValue: 1e-4)), epochs: 8),
      [
        0.002, 0.0019276855558857224, 0.0017217514421272201, 0.0014135492607468354, 0.00105,
        0.0006864507392531648, 0.0003782485578727799, 0.0001723144441142776,
      ])
  }

  @Test func cosineByEpochsIsTheSameThroughoutAnEpoch() {
    let whole = rates(LearningRateSchedule(.cosine()), epochs: 4, stepsPerEpoch: 5)
    #expect(Set(whole).count == 4)
  }

  /// `StepLR(step_size=3, gamma=0.5)`.
  @Test func step() {
    expect(
      rates(LearningRateSchedule(.step(size: 3, factor: 0.5)), epochs: 8),
      [0.002, 0.002, 0.002, 0.001, 0.001, 0.001, 0.0005, 0.0005])
  }

  /// `SequentialLR` of `LinearLR(start_factor=0.25, total_iters=6)` and `CosineAnnealingLR(T_max=12)` from step 6 on.
  @Test func cosineAfterWarmUp() {
    let schedule = LearningRateSchedule(
      .cosine(updates: .everyStep), warmUp: LearningRateSchedule.WarmUp(epochs: 2, startFactor: 0.25))
    expect(
      rates(schedule, epochs: 6, stepsPerEpoch: 3),
      [
        0.0005, 0.00075, 0.001, 0.00125, 0.0015, 0.0017500000000000003, 0.002, 0.0019659258262890683,
        0.001866025403784439, 0.0017071067811865474, 0.0015, 0.0012588190451025209, 0.001,
        0.0007411809548974794, 0.0005000000000000002, 0.00029289321881345256, 0.0001339745962155613,
        3.40741737109318e-05,
      ])
  }

  /// `ReduceLROnPlateau(factor=0.5, patience=2, min_lr=4e-4, threshold=1e-4)`.
  @Test func plateau() {
    let schedule = LearningRateSchedule(.plateau(factor: 0.5, patience: 2, minimum: 4e-4))
    let losses = [
      1.0, 0.9, 0.95, 0.90, 0.91, 0.92, 0.85, 0.86, 0.86, 0.86, 0.86, 0.86, 0.86, 0.84999, 0.2,
    ]
    var state = LearningRateSchedule.State()
    let rates = losses.enumerated().map { epoch, loss in
      defer { schedule.observe(loss: loss, state: &state) }
      return schedule.learningRate(
        base: 0.002, at: TrainingPosition(epoch: epoch), epochs: losses.count, stepsPerEpoch: 1, state: state)
    }
    expect(
      rates,
      [
        0.002, 0.002, 0.002, 0.002, 0.002, 0.001, 0.001, 0.001, 0.001, 0.001, 0.0005, 0.0005, 0.0005, 0.0004,
        0.0004,
      ])
  }

  @Test func settingsThatMakeNoSenseAreNamed() {
    #expect(LearningRateSchedule(.step(size: 0, factor: 0.5)).problem?.key == "schedule")
    #expect(LearningRateSchedule(.plateau(factor: 1)).problem?.key == "schedule")
    let warmUp = LearningRateSchedule.WarmUp(epochs: -1)
    #expect(LearningRateSchedule(.constant, warmUp: warmUp).problem?.key == "warm_up")
    #expect(LearningRateSchedule(.cosine(), warmUp: LearningRateSchedule.WarmUp(epochs: 3)).problem == nil)
  }
}
