/// What the numbers of a feature vector mean, in order.
public struct FeatureSchema: Sendable, Equatable {
    public let features: [Feature]
    /// Hot copy: bit `index % 64` of word `index / 64` tells whether that feature may be missing.
    public let missingAllowed: [UInt64]
    /// Hot copy: where each feature comes from in a typed transaction, the raw value of its `DerivedFeature`; 0 for none.
    public let sources: [UInt16]

    public init(features: [Feature]) {
        self.features = features
        var words = [UInt64](repeating: 0, count: (features.count + 63) / 64)
        for (index, feature) in features.enumerated() where feature.missingAllowed {
            words[index / 64] |= 1 << UInt64(index % 64)
        }
        missingAllowed = words
        sources = features.map { $0.source?.rawValue ?? 0 }
    }

    public struct Feature: Sendable, Equatable {
        /// 1-256 bytes of UTF-8 without control characters, different from all others.
        public var name: String
        public var type: FeatureType
        public var missingAllowed: Bool
        /// What the server derives it from when it gets a typed transaction.
        public var source: DerivedFeature?
        /// What an analyst reads where the feature is a reason for a score; up to 256 bytes, empty: its name says enough.
        public var reason: String

        public init(
            name: String, type: FeatureType = .float, missingAllowed: Bool = true, source: DerivedFeature? = nil,
            reason: String = ""
        ) {
            self.name = name
            self.type = type
            self.missingAllowed = missingAllowed
            self.source = source
            self.reason = reason
        }
    }

    /// Checks names and reason texts.
    func check() throws(BundleError) {
        var names: Set<String> = []
        for (index, feature) in features.enumerated() {
            guard Text.isPrintable(feature.name, byteCounts: 1...BundleLimits.featureNameByteCountMax) else {
                throw .featureNameInvalid(feature: index)
            }
            guard Text.isPrintable(feature.reason, byteCounts: 0...BundleLimits.featureNameByteCountMax) else {
                throw .reasonInvalid(feature: index)
            }
            guard names.insert(feature.name).inserted else { throw .featureNameRepeated(feature: index) }
        }
    }
}

/// What kind of number a feature is; documentation for callers, scores treat all alike. The numbers are stored in bundles.
public enum FeatureType: UInt8, Sendable, CaseIterable {
    case float = 1
    case integer = 2
    case boolean = 3
    case categorical = 4

    /// Its name in schema files.
    public var name: String {
        switch self {
        case .float: "float"
        case .integer: "integer"
        case .boolean: "boolean"
        case .categorical: "categorical"
        }
    }

    public init?(name: String) {
        guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = type
    }
}

/// The rules for texts in bundles, which end up in logs and on terminals.
enum Text {
    static func isPrintable(_ text: String, byteCounts: ClosedRange<Int>) -> Bool {
        byteCounts.contains(text.utf8.count) && !text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }

    static func isBundleName(_ name: String) -> Bool {
        (1...BundleLimits.nameByteCountMax).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                case UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}
