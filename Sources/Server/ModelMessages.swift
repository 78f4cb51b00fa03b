import ModelBundle
import Registry
import Wire

extension RegistrySnapshot {
    /// Every version served, and every one refused with its reason, as ListModels tells it.
    public var modelMessages: [ModelVersionMessage] {
        let served = entries.map { ModelVersionMessage($0, in: self) }
        let refused = problems.compactMap { problem -> ModelVersionMessage? in
            guard let bundle = problem.bundle else { return nil }
            var message = ModelVersionMessage()
            message.bundle = bundle
            message.version = problem.version
            message.refused = "\(problem.reason)"
            return message
        }
        return served + refused
    }

    /// Aliases that name a version now, sorted.
    public func aliases(of entry: PublishedBundle) -> [String] {
        (aliases[entry.name] ?? [:]).filter { $0.value == entry.version }.keys.sorted()
    }
}

extension ModelVersionMessage {
    init(_ entry: PublishedBundle, in snapshot: RegistrySnapshot) {
        self.init()
        bundle = entry.name
        version = entry.version
        digest = entry.bundle.digest.bytes
        aliases = snapshot.aliases(of: entry)
        isUnproven = entry.bundle.isUnproven
    }
}

extension ModelDescription {
    init(_ entry: PublishedBundle, in snapshot: RegistrySnapshot) {
        self.init()
        let bundle = entry.bundle
        model = ModelVersionMessage(entry, in: snapshot)
        features = bundle.schema.features.map { feature in
            Feature(
                name: feature.name, type: feature.type.name, isMissingAllowed: feature.missingAllowed,
                source: feature.source?.name ?? "")
        }
        outputCount = UInt32(bundle.outputCount)
        precisionBits = bundle.precision == .float32 ? 32 : 64
        reviewThreshold = bundle.policy.reviewThreshold
        declineThreshold = bundle.policy.declineThreshold
        decidingOutput = UInt32(bundle.policy.decidingOutput)
        objective = bundle.objective
        treeCount = UInt32(bundle.treeCount)
        nodeCount = UInt64(bundle.nodeCount)
        byteCount = UInt64(bundle.byteCount)
        goldenRowCount = UInt32(bundle.goldenRowCount)
        provenance = bundle.provenance.map { Provenance(key: $0.key, value: $0.value) }
    }
}
