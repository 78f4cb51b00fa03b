import Platform

/// What of a decision did not come out as it was recorded.
public struct DifferingParts: OptionSet, Sendable, Hashable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    /// The record has another number of features than the bundle takes, or none in its precision.
    public static let featureCount = DifferingParts(rawValue: 1)
    /// The recorded transaction gives other features, or none.
    public static let features = DifferingParts(rawValue: 2)
    public static let score = DifferingParts(rawValue: 4)
    /// Any of the outputs.
    public static let outputs = DifferingParts(rawValue: 8)
    public static let outcome = DifferingParts(rawValue: 16)
    public static let stage = DifferingParts(rawValue: 32)
    public static let reasons = DifferingParts(rawValue: 64)

    static let names: [(DifferingParts, String)] = [
        (.featureCount, "feature count"), (.features, "features"), (.score, "score"), (.outputs, "outputs"),
        (.outcome, "outcome"),
        (.stage, "stage"), (.reasons, "reasons"),
    ]

    public var text: String { Self.names.filter { contains($0.0) }.map(\.1).joined(separator: ", ") }
}

/// One decision that did not come out as it was recorded.
public struct ReplayDifference: Sendable {
    public let sequence: UInt64
    public let parts: DifferingParts
    public let comparison: SideBySide
}

/// What a replay found.
public struct ReplayReport: Sendable {
    /// Decisions of the window that were compared.
    public var comparedCount = 0
    /// Of these, those whose features were derived anew from the recorded transaction and compared.
    public var derivedCount = 0
    /// Of these, those whose contributions were computed anew and compared.
    public var explainedCount = 0
    /// Of these, those whose contributions are not bit-equal and within the tolerance.
    public var closeCount = 0
    public var differenceCount = 0
    /// How often each part differed, by name.
    public var differencesByPart: [String: Int] = [:]
    /// The first ones.
    public var differences: [ReplayDifference] = []
    public var absent: [AbsentBundle] = []
    /// Bundles that decisions were scored with anew: name, version as recorded, digest, decisions.
    public var bundles: [ReplayedBundle] = []
    /// Records that hold no decision.
    public var voidCount = 0
    /// Places of the journal that can't be read, and records that are none.
    public var damageCount = 0
    public var threadCount = 1
    public var wallNanoseconds: UInt64 = 0
    public var processorNanoseconds: UInt64 = 0

    public var absentRecordCount: Int { absent.reduce(0) { $0 + $1.recordCount } }
    public var isEqual: Bool { differenceCount == 0 && damageCount == 0 }

    /// Whether a difference with this number is one of the first; batches of several bundles do not come in the journal's order.
    func takes(_ sequence: UInt64) -> Bool {
        differences.count < ReplayLimits.differenceCountMax || sequence < differences[differences.count - 1].sequence
    }

    /// Keeps the differences sorted, and no more of them than the maximum.
    mutating func take(_ difference: ReplayDifference) {
        let place = differences.firstIndex { $0.sequence > difference.sequence } ?? differences.count
        differences.insert(difference, at: place)
        if differences.count > ReplayLimits.differenceCountMax { differences.removeLast() }
    }
}

/// A bundle and how many decisions it was scored for.
public struct ReplayedBundle: Sendable {
    public let name: String
    public let version: UInt32
    public let digest: SHA256Digest
    public var count: Int
}
