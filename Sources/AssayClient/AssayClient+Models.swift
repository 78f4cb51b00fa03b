import Platform
import Wire

extension AssayClient {
    /// All versions of all bundles, those that were refused with their reason.
    public func listModels(timeout: Duration? = nil) async throws(AssayError) -> [ModelVersionMessage] {
        guard case .listModels(let models) = try await call(.listModels, timeout: timeout) else {
            throw .wrongResult(method: .listModels)
        }
        return models
    }

    /// Features, thresholds and provenance of a version.
    public func describeModel(_ model: ModelReference, timeout: Duration? = nil) async throws(AssayError) -> ModelDescription {
        guard case .describeModel(let description) = try await call(.describeModel(model), timeout: timeout) else {
            throw .wrongResult(method: .describeModel)
        }
        return description
    }

    /// The bundle file of a version, whole, with its digest checked. `timeout` counts for each piece.
    public func fetchBundle(_ model: ModelReference, timeout: Duration? = nil) async throws(AssayError) -> FetchedBundle {
        var reference = model
        var bytes: [UInt8] = []
        while true {
            let request = RequestBody.fetchBundle(
                reference, offset: UInt64(bytes.count), byteCountMax: ClientLimits.fetchByteCount)
            guard case .fetchBundle(let piece) = try await call(request, timeout: timeout) else {
                throw .wrongResult(method: .fetchBundle)
            }
            let end = UInt64(bytes.count + piece.bytes.count)
            guard piece.offset == UInt64(bytes.count), end <= piece.byteCount,
                piece.byteCount <= UInt64(ClientLimits.bundleByteCountMax),
                !piece.bytes.isEmpty || end == piece.byteCount
            else { throw .badReply(cause: "pieces of a bundle that do not fit together") }
            bytes.append(contentsOf: piece.bytes)
            // The alias may move between two pieces: all of them are of the version that the first one came from.
            reference.version = piece.version
            if end == piece.byteCount { return try FetchedBundle(piece, bytes) }
        }
    }

    /// Points an alias at a version; returns the version before (0: the alias is new) and now.
    public func setAlias(
        bundle: String, alias: String, version: UInt32, who: String, why: String, timeout: Duration? = nil
    ) async throws(AssayError) -> (previousVersion: UInt32, version: UInt32) {
        let request = RequestBody.setAlias(bundle: bundle, alias: alias, version: version, who: who, why: why)
        guard case .setAlias(let previous, let now) = try await call(request, timeout: timeout) else {
            throw .wrongResult(method: .setAlias)
        }
        return (previous, now)
    }

    /// Points an alias (default `champion`) at the version it named before.
    public func rollback(
        bundle: String, alias: String = "", who: String, why: String, timeout: Duration? = nil
    ) async throws(AssayError) -> (previousVersion: UInt32, version: UInt32) {
        let request = RequestBody.rollback(bundle: bundle, alias: alias, who: who, why: why)
        guard case .rollback(let previous, let now) = try await call(request, timeout: timeout) else {
            throw .wrongResult(method: .rollback)
        }
        return (previous, now)
    }
}

/// A bundle file as the server has it.
public struct FetchedBundle: Sendable {
    public let version: UInt32
    /// SHA-256 of `bytes`, as the server states it and as it was checked here.
    public let digest: SHA256Digest
    public let bytes: [UInt8]

    init(_ piece: BundlePiece, _ bytes: [UInt8]) throws(AssayError) {
        guard let digest = SHA256Digest(bytes: piece.digest), SHA256Hasher.hash(bytes) == digest else {
            throw .badReply(cause: "a bundle whose bytes do not have its digest")
        }
        version = piece.version
        self.digest = digest
        self.bytes = bytes
    }
}
