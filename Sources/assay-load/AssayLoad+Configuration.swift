import ArgumentParser
import LoadGenerator
import Platform

extension LoadProfile.Arrivals: ExpressibleByArgument {}

/// What the options ask for.
extension AssayLoad {
    func loadConfiguration() throws(LoadError) -> LoadConfiguration {
        guard let address = ServerAddress(server) else { throw .badAddress(server) }
        var configuration = LoadConfiguration(server: address, bundle: bundle ?? "")
        configuration.bundles = try loadBundles()
        configuration.alias = alias
        configuration.version = version
        configuration.connectionCount = connections
        configuration.ratePerSecond = rate
        for text in stages { configuration.stages.append(try LoadProfile.Stage(text)) }
        configuration.arrivals = arrivals
        configuration.objectives = try objectives()
        configuration.depth = depth ?? (configuration.isOpenLoop || findMax ? 256 : 1)
        let isOpenEnded = requests != nil || !stages.isEmpty
        configuration.durationSeconds = duration ?? (findMax ? 5 : isOpenEnded ? nil : 10)
        guard stages.isEmpty || duration == nil else {
            throw .usage("stages have their own seconds: --duration and --stage or --ramp exclude each other")
        }
        configuration.warmupSeconds = warmup ?? (findMax ? 0.5 : 0)
        configuration.requestCount = requests
        configuration.batches = try LoadConfiguration.batches(batch)
        configuration.deadlineMilliseconds = deadline
        if let durability {
            guard let known = LoadConfiguration.Durability(rawValue: durability) else {
                throw .usage("--durability \(durability) is neither memory nor disk")
            }
            configuration.durability = known
        }
        configuration.verifies = verify
        configuration.registryPath = registry
        configuration.measuresCeiling = ceiling
        configuration.threadCount = threads
        configuration.seed = seed
        configuration.timeoutSeconds = timeout
        configuration.acknowledgementsPath = recordAcknowledged
        configuration.toleratesDisconnect = tolerateDisconnect
        configuration.reconnects = reconnect
        return configuration
    }

    func conditions(_ texts: [String], option: String) throws(LoadError) -> [Condition] {
        var conditions: [Condition] = []
        for text in texts.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            conditions.append(try Condition(String(text)))
        }
        return conditions
    }

    private func objectives() throws(LoadError) -> [Condition] {
        guard findMax else {
            guard slo.isEmpty else { throw .usage("--slo belongs to --find-max; --fail-if judges a single run") }
            return []
        }
        guard !slo.isEmpty else { throw .usage("--find-max needs at least one --slo, such as --slo \"p99<1ms\"") }
        return try conditions(slo, option: "--slo")
    }

    private func loadBundles() throws(LoadError) -> [LoadBundle] {
        guard (bundle == nil) != (mix == nil) else { throw .usage("either --bundle or --mix names what to score with") }
        var bundles = if let mix { try LoadConfiguration.bundles(mix) } else { [LoadBundle(name: bundle ?? "")] }
        for text in rows {
            let (index, path) = try bundleAndPath(text, bundles, option: "--rows")
            bundles[index].rowsPath = path
        }
        for text in transactions {
            let (index, path) = try bundleAndPath(text, bundles, option: "--transactions")
            bundles[index].transactionsPath = path
        }
        return bundles
    }

    /// `BUNDLE=PATH`, or a path alone where there is one bundle.
    private func bundleAndPath(_ text: String, _ bundles: [LoadBundle], option: String) throws(LoadError) -> (Int, String) {
        if let index = bundles.firstIndex(where: { text.hasPrefix($0.name + "=") }) {
            return (index, String(text.dropFirst(bundles[index].name.count + 1)))
        }
        guard bundles.count == 1 else { throw .usage("\(option) \(text): with --mix it is BUNDLE=PATH, for a bundle of the mix") }
        return (0, text)
    }
}
