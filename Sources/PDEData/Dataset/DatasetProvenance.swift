// Which random samples a dataset holds, so that the same ones are not merged twice or tested on after training.

/// The random samples of a dataset: for every seed, ranges of sample numbers.
public struct DatasetProvenance: Sendable, Hashable {
  public struct Range: Sendable, Hashable {
    public var seed: UInt64
    public var samples: Swift.Range<Int>

    public init(seed: UInt64, samples: Swift.Range<Int>) {
      self.seed = seed
      self.samples = samples
    }
  }

  /// The global attribute that tells them: `seed 0: 0:1000`, several separated by semicolons.
  public static let attribute = "sample_ranges"

  /// Empty where the dataset does not tell.
  public private(set) var ranges: [Range]
  /// The equation and the distribution of its inputs: numbers of samples mean the same under the same ones only.
  public private(set) var source: [String]

  public init(ranges: [Range] = [], source: [String] = []) {
    self.ranges = ranges
    self.source = source
  }

  public init(_ reader: DatasetReader) {
    source = ["equation", "random_field", "boundary_conditions"].map { reader.text($0) ?? "" }
    ranges = reader.text(Self.attribute).flatMap(Self.parse) ?? []
  }

  private static func parse(_ text: String) -> [Range]? {
    var ranges: [Range] = []
    for item in text.split(separator: ";") {
      let words = item.split(whereSeparator: { $0 == " " || $0 == ":" })
      guard words.count == 4, words[0] == "seed", let seed = UInt64(words[1]), let lower = Int(words[2]),
        let upper = Int(words[3]), lower < upper
      else { return nil }
      ranges.append(Range(seed: seed, samples: lower..<upper))
    }
    return ranges
  }

  /// The attribute's text; nil where nothing is known.
  public var text: String? {
    guard !ranges.isEmpty else { return nil }
    return ranges.map { "seed \($0.seed): \($0.samples.lowerBound):\($0.samples.upperBound)" }
      .joined(separator: "; ")
  }

  /// True where both hold a same sample: same equation and measure, same seed, overlapping numbers.
  public func overlaps(_ other: DatasetProvenance) -> Bool {
    guard source == other.source else { return false }
    return ranges.contains { range in
      other.ranges.contains { $0.seed == range.seed && $0.samples.overlaps(range.samples) }
    }
  }

  /// Both, neighbouring ranges made one.
  func joined(_ other: DatasetProvenance) -> DatasetProvenance {
    var ranges: [Range] = []
    for range in self.ranges + other.ranges {
      if let last = ranges.last, last.seed == range.seed, last.samples.upperBound == range.samples.lowerBound
      {
        ranges[ranges.count - 1].samples = last.samples.lowerBound..<range.samples.upperBound
      } else {
        ranges.append(range)
      }
    }
    return DatasetProvenance(ranges: ranges, source: source.isEmpty ? other.source : source)
  }

  /// The samples that are missing between the first and the last one of a seed.
  public var gaps: [Range] {
    var gaps: [Range] = []
    for (seed, own) in Dictionary(grouping: ranges, by: \.seed).sorted(by: { $0.key < $1.key }) {
      let sorted = own.map(\.samples).sorted { $0.lowerBound < $1.lowerBound }
      for (range, next) in zip(sorted, sorted.dropFirst()) where range.upperBound < next.lowerBound {
        gaps.append(Range(seed: seed, samples: range.upperBound..<next.lowerBound))
      }
    }
    return gaps
  }

  /// What shards are sorted by.
  var order: SortKey { SortKey(seed: ranges.first?.seed ?? 0, sample: ranges.first?.samples.lowerBound ?? 0) }

  struct SortKey: Comparable {
    let seed: UInt64
    let sample: Int

    static func < (left: SortKey, right: SortKey) -> Bool {
      (left.seed, left.sample) < (right.seed, right.sample)
    }
  }
}
