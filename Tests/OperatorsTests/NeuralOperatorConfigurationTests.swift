import Foundation
import Operators
import Testing

@Suite struct NeuralOperatorConfigurationTests {
  /// What is written for neuraloperator builds the same model when it is read.
  @Test(arguments: Factorization.allCases)
  func writtenArgumentsBuildTheSameModel(factorization: Factorization) throws {
    var configuration = FNOConfiguration(modes: [6, 5], inChannels: 2, outChannels: 1, width: 6)
    configuration.positionalEmbedding = .uniform
    configuration.normalization = .group
    configuration.channelMLPSkip = .none
    configuration.domainPadding = [0.25, 0]
    configuration.factorization = factorization
    configuration.rank = .fraction(0.4)
    let read = try FNOConfiguration(neuralOperatorJSON: configuration.neuralOperatorJSON())
    let (before, after) = (FNO<Float>(configuration).parameters, FNO<Float>(read).parameters)
    #expect(before.map(\.path) == after.map(\.path))
    #expect(before.map(\.parameter.shape) == after.map(\.parameter.shape))
    #expect(read.domainPadding == configuration.domainPadding && read.channelMLPSkip == .none)
  }

  @Test(arguments: [(#""cp""#, [7]), (#""tucker""#, [3, 3, 3, 3]), (#""tt""#, [1, 3, 3, 3, 1])])
  func aWholeNumberIsTheRankOfEveryAxis(factorization: String, ranks: [Int]) throws {
    let json = """
      {"n_modes": [8, 8], "in_channels": 1, "out_channels": 1, "hidden_channels": 8, "factorization": \
      \(factorization), "rank": \(ranks.max() ?? 0)}
      """
    #expect(try FNOConfiguration(neuralOperatorJSON: Data(json.utf8)).rank == .ranks(ranks))
  }

  @Test(arguments: ["complex_data\": true", "no_such_option\": 1", "norm\": \"batch_norm", "n_layers\": \"4"])
  func whatHasNoCounterpartIsNamed(option: String) {
    let quote = option.hasSuffix("true") || option.hasSuffix("1") ? "" : "\""
    let json = """
      {"n_modes": [8], "in_channels": 1, "out_channels": 1, "hidden_channels": 8, "\(option)\(quote)}
      """
    let error = #expect(throws: ConfigurationError.self) {
      try FNOConfiguration(neuralOperatorJSON: Data(json.utf8))
    }
    #expect(error?.key == option.prefix { $0 != "\"" }.description)
  }
}
