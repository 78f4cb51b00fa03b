import Glibc
import Platform
import Wire

/// One run of prepared requests: opens the connections, starts the threads, watches them, adds up what they found.
struct LoadExecution {
    private let prepared: PreparedRun
    private let configuration: LoadConfiguration
    private let address: ResolvedAddress
    private let requests: RequestMix
    private let board: RunBoard
    private let progress: (@Sendable (ProgressLine) -> Void)?

    /// `configuration` may differ from the prepared one in rates and times. `address` and `requests`: others than the prepared ones.
    init(
        _ prepared: PreparedRun, _ configuration: LoadConfiguration, stopFlag: StopFlag, address: ResolvedAddress? = nil,
        requests: RequestMix? = nil, progress: (@Sendable (ProgressLine) -> Void)? = nil
    ) {
        self.prepared = prepared
        self.configuration = configuration
        self.address = address ?? prepared.address
        self.requests = requests ?? prepared.requests
        self.progress = progress
        board = RunBoard(stopFlag)
    }

    func perform() throws(LoadError) -> LoadReport {
        let sockets = try connectAll()
        let (results, schedule) = try runLoops(sockets)
        var report = LoadReport(configuration, results, schedule: schedule)
        report.serverVersion = prepared.hello.serverVersion
        report.inputs = zip(prepared.origins, prepared.inputs).map { LoadReport.Input(origin: $0, rowCount: $1.count) }
        if configuration.verifies {
            var verification = Verification()
            for bundle in configuration.bundles.indices {
                var oracle = BundleOracle(source: prepared.sources[bundle], input: prepared.inputs[bundle])
                verification.add(Verification(results.map { $0.tally.observations[bundle] }, &oracle))
            }
            report.verification = verification
        }
        return report
    }

    private func connectAll() throws(LoadError) -> [Int32] {
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

    private func runLoops(_ sockets: [Int32]) throws(LoadError) -> ([LoadLoop.Result], LoadSchedule) {
        // Ten milliseconds for the threads to be there when it begins.
        let schedule = LoadSchedule(startNanoseconds: Clock.monotonicNanoseconds() + 10_000_000, configuration: configuration)
        let tallyPlan = tallyPlan(schedule)
        let crew = LoadCrew(count: configuration.threadCount)
        for share in 0..<configuration.threadCount {
            let plan = LoadLoop.Plan(
                configuration: configuration, schedule: schedule, address: address,
                hello: Request(id: RequestID.hello, body: .hello(PreparedRun.helloRequest)).frame(), share: share,
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
        watch(crew, schedule)
        return (crew.join(), schedule)
    }

    private func tallyPlan(_ schedule: LoadSchedule) -> Tally.Plan {
        var plan = Tally.Plan()
        plan.startNanoseconds = schedule.start
        plan.measureFromNanoseconds = schedule.measureFrom
        plan.stageEndNanoseconds = schedule.stageEnds
        plan.timelineIntervalNanoseconds = configuration.timelineIntervalNanoseconds
        plan.isOpenLoop = configuration.isOpenLoop
        plan.isVerifying = configuration.verifies
        plan.bundles = zip(configuration.bundles, prepared.inputs).map { .init(name: Array($0.name.utf8), rowCount: $1.count) }
        plan.parts = configuration.parts.map { .init(bundle: $0.bundle, rowsPerRequest: $0.rowsPerRequest) }
        plan.hasProgress = progress != nil
        return plan
    }

    /// Follows the running loops: shows progress, and gets new versions' bundles while the server surely has them.
    private func watch(_ crew: LoadCrew, _ schedule: LoadSchedule) {
        var fetched = 0
        var lastLine = Clock.monotonicNanoseconds()
        while !crew.wait(milliseconds: 50) {
            if configuration.verifies {
                for seen in board.versions.dropFirst(fetched) { prepared.sources[seen.bundle].prefetch(version: seen.number) }
                fetched = board.versions.count
            }
            let now = Clock.monotonicNanoseconds()
            if let progress, now >= lastLine + 1_000_000_000 {
                let line = ProgressLine(
                    board.take(), versions: board.versions.map(\.number), seconds: Double(now - lastLine) / 1e9,
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
