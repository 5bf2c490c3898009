// Numbers below zero as values of options: to the parser a word that begins with a dash is an option.

enum NegativeNumbers {
  /// `--forcing -1` as `--forcing=-1`, and `--domain -1:1` likewise.
  static func joined(_ words: [String]) -> [String] {
    var result: [String] = []
    for word in words {
      if isNegative(word), let option = result.last, option.hasPrefix("--"), option.count > 2,
        !option.contains("=")
      {
        result[result.count - 1] = "\(option)=\(word)"
      } else {
        result.append(word)
      }
    }
    return result
  }

  private static func isNegative(_ word: String) -> Bool {
    guard word.hasPrefix("-"), let first = word.split(separator: ":").first else { return false }
    return Double(first) != nil
  }
}
