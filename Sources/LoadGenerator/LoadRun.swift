import Forest
import Glibc
import Platform
import Wire

/// One run of the load generator, from the first connection to the report.
public final class LoadRun: Sendable {
    private let configuration: LoadConfiguration
    private let board = RunBoard()
    private let progress: (@Sendable (ProgressLine) -> Void)?

    /// `progress` is called about once a second while the load runs; nil keeps no figures for it.
    public init(_ configuration: LoadConfiguration, progress: (@Sendable (ProgressLine) -> Void)? = nil) {
        self.configuration = configuration
        self.progress = progress
    }

    /// Ends the run early; its report tells what was done. May be called from any thread.
    public func stop() { board.stop() }

    /// Runs to the end. Blocks; bounded by warm-up, duration and timeouts.
    public func perform() throws(LoadError) -> LoadReport {
        try configuration.validate()
        let (address, hello) = try connectControl()
        let control = ControlChannel(
            address: address, timeoutSeconds: configuration.timeoutSeconds,
            connectTimeoutSeconds: configuration.connectTimeoutSeconds)
        let source = BundleSource(control: control, name: configuration.bundle, registryPath: configuration.registryPath)
        let (input, origin) = try makeInput(source)
        let requests = try input.prepared(configuration)
        try check(requests, hello)
        let sockets = try connectAll(address)
        let (results, schedule) = try runLoops(address, requests, input.count, sockets, source)

        var report = LoadReport(configuration, results, schedule: schedule)
        report.serverVersion = hello.serverVersion
        report.origin = origin
        report.rowCount = input.count
        if configuration.verifies {
            var oracle = BundleOracle(source: source, input: input)
            report.verification = Verification(results.map(\.tally.observations), &oracle)
        }
        return report
    }

    // MARK: Preparing

    /// The address that answers, and what the server says of itself.
    private func connectControl() throws(LoadError) -> (ResolvedAddress, HelloMessage) {
        var failure = LoadError.cannotConnect(address: configuration.server.description, text: "it has no address")
        for address in try ResolvedAddress.resolve(configuration.server) {
            let control = ControlChannel(
                address: address, timeoutSeconds: configuration.timeoutSeconds,
                connectTimeoutSeconds: configuration.connectTimeoutSeconds)
            do throws(LoadError) {
                let result = try control.call(.hello(Self.helloRequest))
                guard case .hello(let hello) = result else { throw .badReply("the answer to hello is of another kind") }
                return (address, hello)
            } catch {
                failure = error
                guard case .cannotConnect = error else { throw error }
            }
        }
        throw failure
    }

    private static let helloRequest = HelloRequest(clientName: "assay-load", clientVersion: "1", acceptsLZ4: false)

    private func makeInput(_ source: BundleSource) throws(LoadError) -> (LoadInput, InputOrigin) {
        let reference = ModelReference(
            bundle: configuration.bundle, alias: configuration.alias, version: configuration.version)
        let description = try source.describe(reference)
        let precision: Precision = description.precisionBits == 32 ? .float32 : .float64
        if let path = configuration.transactionsPath { return (try LoadInput.read(transactionsPath: path), .file(path)) }
        if let path = configuration.rowsPath {
            let input = try LoadInput.read(rowsPath: path, precision: precision)
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
    private func check(_ requests: PreparedRequests, _ hello: HelloMessage) throws(LoadError) {
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

    private func connectAll(_ address: ResolvedAddress) throws(LoadError) -> [Int32] {
        var sockets: [Int32] = []
        do throws(LoadError) {
            for _ in 0..<configuration.connectionCount {
                sockets.append(try address.connected(timeoutSeconds: configuration.connectTimeoutSeconds).release())
            }
        } catch {
            for socket in sockets { close(socket) }
            throw error
        }
        return sockets
    }

    // MARK: Running

    private func runLoops(
        _ address: ResolvedAddress, _ requests: PreparedRequests, _ rowCount: Int, _ sockets: [Int32], _ source: BundleSource
    ) throws(LoadError) -> ([LoadLoop.Result], LoadSchedule) {
        // Ten milliseconds for the threads to be there when it begins.
        let schedule = LoadSchedule(startNanoseconds: Clock.monotonicNanoseconds() + 10_000_000, configuration: configuration)
        var tallyPlan = Tally.Plan()
        tallyPlan.measureFromNanoseconds = schedule.measureFrom
        tallyPlan.isOpenLoop = configuration.isOpenLoop
        tallyPlan.isVerifying = configuration.verifies
        tallyPlan.rowCount = rowCount
        tallyPlan.rowsPerRequest = configuration.rowsPerRequest
        tallyPlan.bundle = Array(configuration.bundle.utf8)
        tallyPlan.hasProgress = progress != nil

        let crew = LoadCrew(count: configuration.threadCount)
        for share in 0..<configuration.threadCount {
            let plan = LoadLoop.Plan(
                configuration: configuration, schedule: schedule, address: address,
                hello: Request(id: RequestID.hello, body: .hello(Self.helloRequest)).frame(), share: share,
                requestCountMax: requestCountMax(share), hasProgress: progress != nil)
            let range = socketRange(share)
            do throws(SystemError) {
                let log = try acknowledgementLog(share)
                let loop = try LoadLoop(
                    plan: plan, board: board, requests: requests, tally: Tally(plan: tallyPlan), log: log,
                    sockets: Array(sockets[range]), firstConnection: range.lowerBound)
                crew.start(loop)
            } catch {
                board.stop()
                _ = crew.join()
                for socket in sockets[range.lowerBound...] { close(socket) }
                throw .system(error)
            }
        }
        watch(crew, schedule, source)
        return (crew.join(), schedule)
    }

    /// Follows the running loops: shows progress, and gets new versions' bundles while the server surely has them.
    private func watch(_ crew: LoadCrew, _ schedule: LoadSchedule, _ source: BundleSource) {
        var fetched = 0
        var lastLine = Clock.monotonicNanoseconds()
        while !crew.wait(milliseconds: 50) {
            if configuration.verifies {
                for version in board.versions.dropFirst(fetched) { source.prefetch(version: version) }
                fetched = board.versions.count
            }
            let now = Clock.monotonicNanoseconds()
            if let progress, now >= lastLine + 1_000_000_000 {
                let line = ProgressLine(
                    board.take(), versions: board.versions, seconds: Double(now - lastLine) / 1e9,
                    elapsedSeconds: Double(now > schedule.start ? now - schedule.start : 0) / 1e9)
                lastLine = now
                progress(line)
            }
        }
    }

    private func acknowledgementLog(_ share: Int) throws(SystemError) -> AcknowledgementLog? {
        guard let path = configuration.acknowledgementsPath else { return nil }
        return try AcknowledgementLog(path: path, isNew: share == 0)
    }

    /// Requests are shared out evenly, the first threads take what is left over.
    private func requestCountMax(_ share: Int) -> UInt64 {
        guard let total = configuration.requestCount else { return .max }
        let count = UInt64(configuration.threadCount)
        return total / count + (UInt64(share) < total % count ? 1 : 0)
    }

    private func socketRange(_ share: Int) -> Range<Int> {
        let count = configuration.connectionCount
        return (count * share / configuration.threadCount)..<(count * (share + 1) / configuration.threadCount)
    }
}
