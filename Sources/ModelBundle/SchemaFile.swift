import Platform

/// A schema file, written by hand beside a model: what its features mean, and how its score decides.
///
/// Every part may be absent and then leaves the model's own default; docs/BUNDLE.md describes the file.
public struct SchemaFile: Sendable, Equatable {
    public var features: [FeatureSchema.Feature]?
    public var reviewThreshold: Double?
    public var declineThreshold: Double?
    public var decidingOutput: Int?
    public var provenance: [JSONMember]

    public init(
        features: [FeatureSchema.Feature]? = nil, reviewThreshold: Double? = nil, declineThreshold: Double? = nil,
        decidingOutput: Int? = nil, provenance: [JSONMember] = []
    ) {
        self.features = features
        self.reviewThreshold = reviewThreshold
        self.declineThreshold = declineThreshold
        self.decidingOutput = decidingOutput
        self.provenance = provenance
    }

    /// Reads a schema file of at most 4 MiB.
    public static func read(_ path: String) throws(SchemaFileError) -> SchemaFile {
        let bytes: [UInt8]
        do { bytes = try File.read(path, byteCountMax: BundleLimits.schemaFileByteCountMax) } catch { throw .system(error) }
        return try SchemaFile(parsing: bytes)
    }

    /// Parses the file's bytes; an unknown key is refused, because a misspelt threshold must not go unnoticed.
    public init(parsing bytes: [UInt8]) throws(SchemaFileError) {
        let json: JSON
        do { json = try JSON.parse(bytes, depthMax: 8) } catch { throw .json(error) }
        guard let members = json.object else { throw .wrongType(.root) }
        self.init()
        for member in members {
            switch member.key {
            case "features": features = try Self.features(member.value)
            case "review_threshold": reviewThreshold = try Self.threshold(member.value, .reviewThreshold)
            case "decline_threshold": declineThreshold = try Self.threshold(member.value, .declineThreshold)
            case "deciding_output":
                guard let index = member.value.integer, index >= 0 else { throw .wrongType(.decidingOutput) }
                decidingOutput = Int(index)
            case "provenance":
                guard let entries = member.value.object, entries.allSatisfy({ $0.value.string != nil }) else {
                    throw .wrongType(.provenance)
                }
                provenance = entries
            default: throw .unknownKey(feature: nil)
            }
        }
    }

    /// A number, or null for a threshold that no finite score reaches.
    private static func threshold(_ json: JSON, _ field: SchemaFileError.Field) throws(SchemaFileError) -> Double {
        if json.isNull { return .infinity }
        guard let value = json.double else { throw .wrongType(field) }
        return value
    }

    private static func features(_ json: JSON) throws(SchemaFileError) -> [FeatureSchema.Feature] {
        guard let elements = json.array else { throw .wrongType(.features) }
        var features: [FeatureSchema.Feature] = []
        for (index, element) in elements.enumerated() { features.append(try feature(element, index: index)) }
        return features
    }

    private static func feature(_ json: JSON, index: Int) throws(SchemaFileError) -> FeatureSchema.Feature {
        guard let members = json.object, let name = json["name"]?.string else { throw .featureInvalid(.name, feature: index) }
        var feature = FeatureSchema.Feature(name: name)
        for member in members {
            switch member.key {
            case "name": break
            case "type":
                guard let type = member.value.string.flatMap(FeatureType.init(name:)) else {
                    throw .featureInvalid(.type, feature: index)
                }
                feature.type = type
            case "missing":
                guard let missing = member.value.string, ["allowed", "refused"].contains(missing) else {
                    throw .featureInvalid(.missing, feature: index)
                }
                feature.missingAllowed = missing == "allowed"
            case "source":
                guard let source = member.value.string.flatMap({ DerivedFeature(name: $0) }) else {
                    throw .featureInvalid(.source, feature: index)
                }
                feature.source = source
            case "reason":
                guard let reason = member.value.string else { throw .featureInvalid(.reason, feature: index) }
                feature.reason = reason
            default: throw .unknownKey(feature: index)
            }
        }
        return feature
    }
}

/// Why a schema file is refused; features are counted from 0.
public enum SchemaFileError: Error, Equatable, Sendable, CustomStringConvertible {
    case system(SystemError)
    case json(JSONError)
    case wrongType(Field)
    case unknownKey(feature: Int?)
    case featureInvalid(FeatureField, feature: Int)

    public enum Field: String, Sendable {
        case root = "the file"
        case features
        case reviewThreshold = "review_threshold"
        case declineThreshold = "decline_threshold"
        case decidingOutput = "deciding_output"
        case provenance
    }

    public enum FeatureField: String, Sendable { case name, type, missing, source, reason }

    public var description: String {
        switch self {
        case .system(let error): "schema file: \(error)"
        case .json(let error): "schema file: \(error)"
        case .wrongType(let field): "schema file: \(field.rawValue) has the wrong type"
        case .unknownKey(nil): "schema file: unknown key"
        case .unknownKey(let feature?): "schema file: unknown key in feature \(feature)"
        case .featureInvalid(let field, let feature): "schema file: feature \(feature) has no valid \(field.rawValue)"
        }
    }
}
