/// What the generator itself can do: the same connections and requests in a closed loop against canned replies of this process.
public struct Ceiling: Sendable, Equatable {
    var requestsPerSecond: Double
    /// Processor time that a load thread took for one request.
    var processorNanosecondsPerRequest: Double
    var threadCount: Int

    /// With a processor for each load thread it could not send more than this; beside a server it has less of one.
    var requestsPerSecondMax: Double { Double(threadCount) * 1e9 / max(1, processorNanosecondsPerRequest) }

    static func measure(_ prepared: PreparedRun, _ stopFlag: StopFlag) throws(LoadError) -> Ceiling {
        // The most frequent kind of request stands for all.
        let parts = prepared.configuration.parts
        let weights = parts.map(\.weight)
        let index = weights.indices.max { weights[$0] < weights[$1] } ?? 0
        var configuration = prepared.configuration
        configuration.bundles = [configuration.bundles[parts[index].bundle]]
        configuration.rowsPerRequest = parts[index].rowsPerRequest
        configuration.ratePerSecond = nil
        configuration.stages = []
        configuration.requestCount = nil
        configuration.durationSeconds = LoadLimits.ceilingSeconds
        configuration.warmupSeconds = 0.2
        configuration.verifies = false
        configuration.acknowledgementsPath = nil
        configuration.objectives = []
        let server = try CannedServer(
            reply: CannedReply(bundle: parts[index].name, rowCount: parts[index].rowsPerRequest))
        defer { server.stop() }
        guard let address = try ResolvedAddress.resolve(server.address).first else {
            throw .cannotConnect(address: server.address.description, text: "it has no address")
        }
        let report = try LoadExecution(
            prepared, configuration, stopFlag: stopFlag, address: address,
            requests: RequestMix([prepared.requests.parts[index]])
        ).perform()
        guard report.repliesMeasured > 0, report.measuredSeconds > 0 else {
            throw .badReply("the generator's own ceiling could not be measured: no reply came")
        }
        return Ceiling(
            requestsPerSecond: Double(report.repliesMeasured) / report.measuredSeconds,
            processorNanosecondsPerRequest: report.processorNanosecondsPerRequest, threadCount: configuration.threadCount)
    }

    var text: String {
        "\(Format.duration(UInt64(processorNanosecondsPerRequest))) of processor time a request against canned replies: at most "
            + "\(Format.count(UInt64(requestsPerSecondMax))) requests/s (measured \(Format.count(UInt64(requestsPerSecond))))"
    }
}
