// The process-wide keeper of plans and wisdom. FFTW's planner is not thread-safe: one lock guards all of it.

import CFFTW
import Synchronization
import Tensors

/// Makes and keeps ``FFTPlan``s, and the wisdom they were made with.
///
/// Measured plans are faster than estimated ones but may differ from one measurement to the next in which of
/// several algorithms they choose, and so in the last bits of their results. What was measured is therefore kept
/// in the user's cache folder (see ``WisdomFolder``), and can be taken along as text: ``wisdom`` and
/// ``replaceWisdom(with:)``. Same library, wisdom and input: same bits.
public enum FFTPlanner {
  /// How much time planning may take.
  public enum Effort: String, Sendable, Codable, CaseIterable {
    /// By rule, at once, and the same at every start.
    case estimate
    /// By measuring several algorithms, some tenths of a second.
    case measure
    /// By measuring many, up to seconds.
    case patient

    var flag: UInt32 {
      switch self {
      case .estimate: FFTW_ESTIMATE
      case .measure: FFTW_MEASURE
      case .patient: FFTW_PATIENT
      }
    }
  }

  /// What was learned by measuring, in both precisions, as FFTW writes it.
  public struct Wisdom: Sendable, Codable, Equatable {
    public var float32: String
    public var float64: String

    public init(float32: String, float64: String) {
      self.float32 = float32
      self.float64 = float64
    }
  }

  private struct Key: Hashable {
    var element: ObjectIdentifier
    var kind: TransformKind
    var geometry: TransformGeometry
    var requirements: Int
    var effort: Effort
  }

  private struct State {
    var effort = Effort.estimate
    var plans: [Key: any Sendable] = [:]
    // The precisions whose wisdom was looked for in the folder.
    var informed: Set<ObjectIdentifier> = []
    // The precisions of which there are measured plans, here or in imported wisdom.
    var measured: Set<ObjectIdentifier> = []
    var folder = WisdomFolder.standard
    // Looked into (and the folder made) only when it is first needed.
    var folderIsWritable: Bool?
    // Wisdom was replaced: the folder's is neither read nor overwritten.
    var isDetached = false
    var generation = 0

    mutating func effectiveEffort() -> Effort {
      guard effort != .estimate, !isDetached else { return effort }
      let isWritable = folderIsWritable ?? folder?.isWritable ?? false
      folderIsWritable = isWritable
      return isWritable ? effort : .estimate
    }

    mutating func merge(_ wisdom: Wisdom) -> Bool {
      let isKnown = merge(wisdom.float32, Float.self)
      return merge(wisdom.float64, Double.self) && isKnown
    }

    mutating func merge<Element: SpectralScalar>(_ text: String, _ element: Element.Type) -> Bool {
      guard !text.isEmpty else { return true }
      guard Element.importWisdom(text) else { return false }
      measured.insert(ObjectIdentifier(element))
      return true
    }
  }

  private static let state = Mutex(State())

  /// The effort of plans yet to be made; ``Effort/estimate`` unless the program sets another. Where the cache
  /// folder cannot be written, plans are estimated whatever the effort: without it the next start would measure
  /// anew and compute other bits.
  public static var effort: Effort {
    get { state.withLock { $0.effort } }
    set {
      state.withLock {
        guard $0.effort != newValue else { return }
        $0.effort = newValue
        $0.generation += 1
      }
    }
  }

  /// Where wisdom is kept between runs; `nil` where there is no such place.
  public static var folder: WisdomFolder? {
    get { state.withLock { $0.folder } }
    set {
      state.withLock {
        $0.folder = newValue
        $0.folderIsWritable = nil
        $0.informed = []
        $0.isDetached = false
        $0.generation += 1
      }
    }
  }

  /// Changes whenever plans made from now on may differ from those made before: owners of plans compare it.
  public static var generation: Int { state.withLock { $0.generation } }

  /// All wisdom there is, to be stored with results that are to be continued; empty in a precision of which no
  /// plan was measured.
  public static var wisdom: Wisdom {
    state.withLock { state in
      func text<Element: SpectralScalar>(_ element: Element.Type) -> String {
        state.measured.contains(ObjectIdentifier(element)) ? element.exportWisdom() : ""
      }
      return Wisdom(float32: text(Float.self), float64: text(Double.self))
    }
  }

  /// Adds wisdom to what is known. False where one of the texts is no wisdom of this FFTW: then plans will be
  /// measured anew.
  @discardableResult
  public static func importWisdom(_ wisdom: Wisdom) -> Bool {
    state.withLock { state in
      state.generation += 1
      return state.merge(wisdom)
    }
  }

  /// Forgets all plans and all wisdom and takes this instead: from now on plans are those of the run that stored
  /// it. What is then measured beyond it is not kept in the cache folder, only in ``wisdom``.
  @discardableResult
  public static func replaceWisdom(with wisdom: Wisdom) -> Bool {
    // Plans that nobody else holds are destroyed when this goes out of scope, after the lock is released.
    let (isKnown, plans) = state.withLock { state in
      let plans = state.plans
      state.plans.removeAll()
      state.generation += 1
      state.isDetached = true
      Float.forgetWisdom()
      Double.forgetWisdom()
      state.measured = []
      return (state.merge(wisdom), plans)
    }
    withExtendedLifetime(plans) {}
    return isKnown
  }

  static func plan<Element: SpectralScalar>(
    _ kind: TransformKind, _ geometry: TransformGeometry, _ requirements: PlanRequirements
  ) -> FFTPlan<Element> {
    state.withLock { state in
      let element = ObjectIdentifier(Element.self)
      let effort = state.effectiveEffort()
      let key = Key(
        element: element, kind: kind, geometry: geometry, requirements: requirements.rawValue,
        effort: effort)
      if let plan = state.plans[key] as? FFTPlan<Element> { return plan }
      let folder = effort == .estimate || state.isDetached ? nil : state.folder
      if let folder, state.informed.insert(element).inserted, let text = folder.read(Element.self) {
        _ = state.merge(text, Element.self)
      }
      let plan = FFTPlan<Element>(kind, geometry, requirements, effort: effort)
      if effort != .estimate { state.measured.insert(element) }
      folder?.write(Element.exportWisdom(), Element.self)
      state.plans[key] = plan
      return plan
    }
  }

  static func withPlanner(_ body: () -> Void) {
    state.withLock { _ in body() }
  }
}
