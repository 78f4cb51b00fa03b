import Glibc
import Platform
import Wire

/// One run of the load generator, from the first connection to the report; or a search for the highest rate, which is several.
public final class LoadRun: Sendable {
    /// What a run tells while it goes on.
    public struct Observer: Sendable {
        /// About once a second while load runs; nil keeps no figures for it.
        public var progress: (@Sendable (ProgressLine) -> Void)?
        /// After each step of a search.
        public var probe: (@Sendable (String) -> Void)?

        public init(progress: (@Sendable (ProgressLine) -> Void)? = nil, probe: (@Sendable (String) -> Void)? = nil) {
            self.progress = progress
            self.probe = probe
        }
    }

    private let configuration: LoadConfiguration
    private let observer: Observer
    private let stopFlag = StopFlag()

    public init(_ configuration: LoadConfiguration, observer: Observer = Observer()) {
        self.configuration = configuration
        self.observer = observer
    }

    /// Ends the run early; its report tells what was done. May be called from any thread.
    public func stop() { stopFlag.stop() }

    /// Runs to the end. Blocks; bounded by warm-up, duration and timeouts.
    public func perform() throws(LoadError) -> LoadReport {
        try configuration.validate()
        let prepared = try PreparedRun(configuration)
        let ceiling = configuration.measuresCeiling ? try Ceiling.measure(prepared, stopFlag) : nil
        var report: LoadReport
        if configuration.objectives.isEmpty {
            report = try execute(prepared, configuration)
        } else {
            report = try search(prepared)
        }
        report.ceiling = ceiling
        return report
    }

    private func execute(_ prepared: PreparedRun, _ configuration: LoadConfiguration) throws(LoadError) -> LoadReport {
        try LoadExecution(prepared, configuration, stopFlag: stopFlag, progress: observer.progress).perform()
    }

    /// Finds the highest rate at which the objectives hold; the report is that rate's, or the last one's when there is none.
    private func search(_ prepared: PreparedRun) throws(LoadError) -> LoadReport {
        var configuration = self.configuration
        if configuration.ratePerSecond == nil {
            configuration.durationSeconds = LoadLimits.estimateSeconds
            configuration.arrivals = .constant
            let closed = try execute(prepared, configuration)
            let rate = Double(closed.repliesMeasured) / max(closed.measuredSeconds, 1e-9)
            guard rate > 0 else { throw .input("nothing was answered in a closed loop: there is no rate to begin with") }
            observer.probe?("closed loop: \(Format.count(UInt64(rate))) requests/s; the search begins at half of it")
            configuration.ratePerSecond = rate / 2
        }
        configuration.durationSeconds = self.configuration.durationSeconds
        configuration.arrivals = self.configuration.arrivals
        var search = RateSearch(start: configuration.ratePerSecond ?? 1)
        var steps: [RateStep] = []
        var best: LoadReport?
        var last: LoadReport?
        while let rate = search.next, !stopFlag.isStopped {
            configuration.ratePerSecond = rate
            let report = try execute(prepared, configuration)
            let step = RateStep(report, rate: rate, objectives: configuration.objectives)
            steps.append(step)
            observer.probe?(step.text)
            search.record(holds: step.holds)
            if step.holds { best = report }
            last = report
        }
        guard var report = best ?? last else { throw .input("the search was ended before its first step") }
        report.search = RateSearchResult(best: search.best, steps: steps, objectives: configuration.objectives)
        return report
    }
}
