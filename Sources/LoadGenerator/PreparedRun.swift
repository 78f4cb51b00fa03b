import Forest
import Glibc
import Platform
import Wire

/// Everything that a run needs from the server and from files, so that several runs can follow each other: the address that
/// answers, the rows, the finished requests.
final class PreparedRun {
    let configuration: LoadConfiguration
    let address: ResolvedAddress
    let hello: HelloMessage
    let requests: RequestMix
    /// By bundle.
    let sources: [BundleSource]
    let inputs: [LoadInput]
    let origins: [InputOrigin]

    init(_ configuration: LoadConfiguration) throws(LoadError) {
        self.configuration = configuration
        (address, hello) = try Self.connectControl(configuration)
        var sources: [BundleSource] = []
        var inputs: [LoadInput] = []
        var origins: [InputOrigin] = []
        for bundle in configuration.bundles {
            let control = ControlChannel(
                address: address, timeoutSeconds: configuration.timeoutSeconds,
                connectTimeoutSeconds: configuration.connectTimeoutSeconds)
            let source = BundleSource(control: control, name: bundle.name, registryPath: configuration.registryPath)
            let (input, origin) = try Self.input(bundle, source, configuration)
            sources.append(source)
            inputs.append(input)
            origins.append(origin)
        }
        var parts: [PreparedRequests] = []
        for part in configuration.parts { parts.append(try inputs[part.bundle].prepared(configuration, part)) }
        (self.sources, self.inputs, self.origins) = (sources, inputs, origins)
        requests = RequestMix(parts, weights: configuration.parts.map(\.weight), seed: configuration.seed)
        try check()
    }

    static let helloRequest = HelloRequest(clientName: "assay-load", clientVersion: "1", acceptsLZ4: false)

    /// The address that answers, and what the server says of itself.
    private static func connectControl(
        _ configuration: LoadConfiguration
    ) throws(LoadError) -> (ResolvedAddress, HelloMessage) {
        var failure = LoadError.cannotConnect(address: configuration.server.description, text: "it has no address")
        for address in try ResolvedAddress.resolve(configuration.server) {
            let control = ControlChannel(
                address: address, timeoutSeconds: configuration.timeoutSeconds,
                connectTimeoutSeconds: configuration.connectTimeoutSeconds)
            do throws(LoadError) {
                let result = try control.call(.hello(helloRequest))
                guard case .hello(let hello) = result else { throw .badReply("the answer to hello is of another kind") }
                return (address, hello)
            } catch {
                failure = error
                guard case .cannotConnect = error else { throw error }
            }
        }
        throw failure
    }

    private static func input(
        _ bundle: LoadBundle, _ source: BundleSource, _ configuration: LoadConfiguration
    ) throws(LoadError) -> (LoadInput, InputOrigin) {
        let reference = ModelReference(bundle: bundle.name, alias: configuration.alias, version: configuration.version)
        let description = try source.describe(reference)
        let precision: Precision = description.precisionBits == 32 ? .float32 : .float64
        if let path = bundle.transactionsPath { return (try LoadInput.read(transactionsPath: path), .file(path)) }
        if let path = bundle.rowsPath {
            let input = try LoadInput.read(rowsPath: path, bundle: bundle.name, precision: precision)
            if case .rows(_, let featureCount, _) = input, featureCount != description.features.count {
                throw .featureCount(expected: description.features.count, actual: featureCount)
            }
            return (input, .file(path))
        }
        if description.goldenRowCount > 0, let golden = LoadInput.golden(try source.current(reference)) {
            return (golden, .goldenRows)
        }
        guard !description.features.isEmpty else { throw .badReply("the server does not tell the bundle's features") }
        let seed = configuration.seed
        return (LoadInput.random(description.features, rowCount: 1_000, seed: seed, precision: precision), .random(seed: seed))
    }

    /// Compares the requests with what the server says that it takes.
    private func check() throws(LoadError) {
        let limit = Int(hello.frameByteCountMax)
        if limit > 0, requests.frameByteCountMax - Frame.headerByteCount > limit {
            throw .input(
                "a request of \(requests.frameByteCountMax) bytes is beyond the server's limit of \(limit): smaller --batch")
        }
        let rows = Int(hello.batchRowCountMax)
        if rows > 0, configuration.rowsPerRequest > rows {
            throw .usage("--batch \(configuration.rowsPerRequest) is beyond the server's limit of \(rows) rows")
        }
    }
}
