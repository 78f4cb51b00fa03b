import ModelBundle
import Platform
import Wire

/// Gets bundle files for verification: from a registry directory when there is one, else from the server; each content once.
final class BundleSource {
    private let control: ControlChannel
    private let name: String
    private let registryPath: String?
    /// Files not yet admitted.
    private var files: [SHA256Digest: [UInt8]] = [:]
    private var bundles: [SHA256Digest: Bundle] = [:]
    private var byteCount = 0

    init(control: ControlChannel, name: String, registryPath: String?) {
        self.control = control
        self.name = name
        self.registryPath = registryPath
    }

    /// Fetches the file of a version while the server surely has it. What fails now is tried again when the bundle is needed.
    func prefetch(version: UInt32) {
        guard let digest = try? digest(ofVersion: version), files[digest] == nil, bundles[digest] == nil else { return }
        guard byteCount < LoadLimits.bundlesByteCountMax else { return }
        _ = try? file(version: version, digest: digest)
    }

    /// The admitted bundle that a reply named.
    func bundle(version: UInt32, digest: SHA256Digest) throws(LoadError) -> Bundle {
        if let bundle = bundles[digest] { return bundle }
        let bytes = try file(version: version, digest: digest)
        let bundle: Bundle
        do throws(BundleError) { bundle = try Bundle.admit(bytes: bytes) } catch {
            throw .bundle("version \(version) of \(name) is not admitted here: \(error)")
        }
        guard bundle.digest == digest else {
            throw .bundle("version \(version) of \(name) has the digest \(bundle.digest.hex), the replies say \(digest.hex)")
        }
        files[digest] = nil
        bundles[digest] = bundle
        return bundle
    }

    /// The bundle that the run asks for, with its version: for its golden rows.
    func current(_ reference: ModelReference) throws(LoadError) -> Bundle {
        let description = try describe(reference)
        guard let digest = SHA256Digest(bytes: description.model.digest) else {
            throw .badReply("the server does not tell the digest of \(name)")
        }
        return try bundle(version: description.model.version, digest: digest)
    }

    func describe(_ reference: ModelReference) throws(LoadError) -> ModelDescription {
        guard case .describeModel(let description) = try control.call(.describeModel(reference)) else {
            throw .badReply("the answer to describe_model is of another kind")
        }
        return description
    }

    private func digest(ofVersion version: UInt32) throws(LoadError) -> SHA256Digest? {
        SHA256Digest(bytes: try describe(ModelReference(bundle: name, version: version)).model.digest)
    }

    private func file(version: UInt32, digest: SHA256Digest) throws(LoadError) -> [UInt8] {
        if let bytes = files[digest] { return bytes }
        let bytes: [UInt8]
        if let registered = registeredFile(version: version, digest: digest) {
            bytes = registered
        } else {
            bytes = try fetch(version: version)
        }
        guard SHA256Hasher.hash(bytes) == digest else {
            throw .bundle("the file of version \(version) of \(name) has another digest than its replies: \(digest.hex)")
        }
        files[digest] = bytes
        byteCount += bytes.count
        return bytes
    }

    /// The file in the registry directory, when it is there and the right one.
    private func registeredFile(version: UInt32, digest: SHA256Digest) -> [UInt8]? {
        guard let registryPath else { return nil }
        let path = "\(registryPath)/\(name)/\(version)/bundle.assay"
        guard let bytes = try? File.read(path, byteCountMax: LoadLimits.bundleByteCountMax) else { return nil }
        return SHA256Hasher.hash(bytes) == digest ? bytes : nil
    }

    private func fetch(version: UInt32) throws(LoadError) -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let request = RequestBody.fetchBundle(
                ModelReference(bundle: name, version: version), offset: UInt64(bytes.count),
                byteCountMax: UInt32(LoadLimits.fetchByteCount))
            guard case .fetchBundle(let piece) = try control.call(request) else {
                throw .badReply("the answer to fetch_bundle is of another kind")
            }
            guard piece.byteCount <= UInt64(LoadLimits.bundleByteCountMax), piece.offset == UInt64(bytes.count),
                UInt64(bytes.count + piece.bytes.count) <= piece.byteCount,
                !piece.bytes.isEmpty || piece.byteCount == UInt64(bytes.count)
            else { throw .badReply("fetch_bundle gives pieces that do not fit together") }
            bytes.append(contentsOf: piece.bytes)
            if UInt64(bytes.count) == piece.byteCount { return bytes }
        }
    }
}
