// Which of the known names was meant by one that is not known.

/// The known name with the fewest changes of one letter (or swaps of neighbours) from `name`; of several the first in
/// the alphabet. Names further away than `limit` changes are none.
func nearest(to name: String, among known: some Collection<String>, within limit: Int = .max) -> String? {
  known.sorted().map { (name: $0, distance: editDistance(name, $0)) }
    .min { $0.distance < $1.distance }
    .flatMap { $0.distance <= limit ? $0.name : nil }
}

/// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
private func editDistance(_ first: String, _ second: String) -> Int {
  let (a, b) = (Array(first.lowercased()), Array(second.lowercased()))
  var rows = [Array(0...b.count)]
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var cost = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, rows[i - 1][j - 1] + 1) }
      row.append(cost)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}
