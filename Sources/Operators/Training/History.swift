// `history.csv`: a line an epoch.

import Foundation

/// Writes `history.csv` for epochs that were trained in parts.
public enum HistoryTable {
  /// - Throws: ``CheckpointError`` where the file cannot be written.
  public static func write(_ records: [EpochRecord], to path: String) throws {
    try HistoryFile(path: path).write(records)
  }
}

/// The table of a run's epochs as a file, which people watch and plot while the run goes on.
struct HistoryFile {
  let path: String

  private static let header = "epoch,learning_rate,training_loss,validation_loss,seconds,samples_per_second\n"

  /// Makes the file hold these epochs and no others.
  func write(_ records: [EpochRecord]) throws {
    let file = try ReplacementFile(path: path)
    try file.write(Array((Self.header + records.map(Self.line).joined()).utf8))
    try file.commit()
  }

  /// Adds an epoch at the end.
  func append(_ record: EpochRecord) throws {
    let file = try AppendedFile(path: path)
    try file.write(Array(Self.line(record).utf8))
  }

  /// Losses and rates with all their digits: the file is what results are read from.
  private static func line(_ record: EpochRecord) -> String {
    let fields = [
      String(record.epoch), "\(record.learningRate)", "\(record.trainingLoss)",
      record.validationLoss.map { "\($0)" } ?? "", rounded(record.seconds), rounded(record.samplesPerSecond),
    ]
    return fields.joined(separator: ",") + "\n"
  }

  private static func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
