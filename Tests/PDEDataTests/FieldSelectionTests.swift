import PDEData
import Testing

@Suite struct FieldSelectionTests {
  @Test(
    arguments: [
      ("u", nil, nil, 1), ("w[0:10]", 0, 10, 1), ("u[3]", 3, 4, 1), ("u[-1]", -1, nil, 1),
      ("u[::2]", nil, nil, 2), ("w[-5:-1]", -5, -1, 1), (" w[ 1 : 9 : 3 ] ", 1, 9, 3),
    ] as [(String, Int?, Int?, Int)])
  func slicesAreReadAsInPython(text: String, start: Int?, end: Int?, step: Int) throws {
    let selection = try FieldSelection(parsing: text)
    #expect(selection.slice?.start == start)
    #expect(selection.slice?.end == end)
    #expect(selection.slice?.step ?? 1 == step)
    #expect(try FieldSelection(parsing: selection.description) == selection)
  }

  @Test func listsAreSeparatedByWhiteSpaceOrCommas() throws {
    let list = try FieldSelection.list("a  w[0:10]\n viscosity, u[ 1 : 2 ]")
    #expect(list.map(\.variable) == ["a", "w", "viscosity", "u"])
    #expect(try FieldSelection.list("").isEmpty)
  }

  @Test(arguments: [
    "", "w[", "w[]", "w[a]", "w[1:2", "[1]", "w[::0]", "w[::-1]", "w[1:2:3:4]", "w]", "w[1.5]",
  ])
  func whatSelectsNothingIsAnError(text: String) {
    #expect(throws: FieldSelectionError.self) { try FieldSelection(parsing: text) }
  }
}
