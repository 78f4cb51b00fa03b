/// The bytes of the cold sections, which are parsed once at admission.

extension FeatureSchema {
    func serialized() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(features.count))
        for feature in features {
            writer.append(feature.type.rawValue)
            writer.append(UInt8(feature.missingAllowed ? 1 : 0))
            writer.append(feature.source?.rawValue ?? 0)
            writer.append(feature.name)
            writer.append(feature.reason)
        }
        return writer.bytes
    }

    init(_ reader: consuming SectionReader) throws(BundleError) {
        let count = Int(try reader.read(UInt32.self))
        // A feature takes at least 12 bytes, so that a count that lies cannot reserve memory.
        guard count <= reader.remainingByteCount / 12 else { throw .sectionMalformed(.schema, offset: 0) }
        var features: [Feature] = []
        features.reserveCapacity(count)
        for _ in 0..<count { features.append(try Feature(&reader)) }
        try reader.finish()
        self.init(features: features)
        try check()
    }
}

extension FeatureSchema.Feature {
    fileprivate init(_ reader: inout SectionReader) throws(BundleError) {
        let start = reader.malformed
        guard let type = FeatureType(rawValue: try reader.read()) else { throw start }
        let flags = try reader.read(UInt8.self)
        let sourceNumber = try reader.read(UInt16.self)
        let source = DerivedFeature(rawValue: sourceNumber)
        guard flags <= 1, sourceNumber == 0 || source != nil else { throw start }
        let name = try reader.readText(byteCountMax: BundleLimits.featureNameByteCountMax)
        let reason = try reader.readText(byteCountMax: BundleLimits.featureNameByteCountMax)
        self.init(name: name, type: type, missingAllowed: flags == 1, source: source, reason: reason)
    }
}

extension OutcomePolicy {
    func serialized() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(decidingOutput))
        writer.append(UInt32(0))
        writer.append(reviewThreshold)
        writer.append(declineThreshold)
        return writer.bytes
    }

    init(_ reader: consuming SectionReader) throws(BundleError) {
        let decidingOutput = Int(try reader.read(UInt32.self))
        guard try reader.read(UInt32.self) == 0 else { throw .sectionMalformed(.policy, offset: 4) }
        let review = try reader.readDouble()
        let decline = try reader.readDouble()
        try reader.finish()
        self.init(decidingOutput: decidingOutput, reviewThreshold: review, declineThreshold: decline)
    }
}

/// Where a bundle comes from: keys and values in their order.
public typealias Provenance = [(key: String, value: String)]

enum ProvenanceSection {
    static func serialized(_ entries: Provenance) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(entries.count))
        for entry in entries {
            writer.append(entry.key)
            writer.append(entry.value)
        }
        return writer.bytes
    }

    static func parse(_ reader: consuming SectionReader) throws(BundleError) -> Provenance {
        let count = Int(try reader.read(UInt32.self))
        guard count <= BundleLimits.provenanceCountMax else {
            throw .provenanceTooLong(count: count, limit: BundleLimits.provenanceCountMax)
        }
        var entries: Provenance = []
        for _ in 0..<count {
            let key = try reader.readText(byteCountMax: BundleLimits.provenanceKeyByteCountMax)
            entries.append((key, try reader.readText(byteCountMax: BundleLimits.provenanceValueByteCountMax)))
        }
        try reader.finish()
        try check(entries)
        return entries
    }

    static func check(_ entries: Provenance) throws(BundleError) {
        guard entries.count <= BundleLimits.provenanceCountMax else {
            throw .provenanceTooLong(count: entries.count, limit: BundleLimits.provenanceCountMax)
        }
        for (index, entry) in entries.enumerated() {
            guard Text.isPrintable(entry.key, byteCounts: 1...BundleLimits.provenanceKeyByteCountMax),
                Text.isPrintable(entry.value, byteCounts: 0...BundleLimits.provenanceValueByteCountMax)
            else { throw .provenanceInvalid(entry: index) }
        }
    }
}
