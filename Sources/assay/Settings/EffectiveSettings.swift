import Configuration
import Synchronization

/// Every setting with its value and where that came from: flags over environment over file over defaults.
struct EffectiveSettings: Sendable {
    struct Entry: Sendable {
        let setting: Setting
        /// nil: not set, and there is no default.
        let value: SettingValue?
        let origin: SettingOrigin
    }

    /// One for each of `Setting.all`, in its order.
    let entries: [Entry]

    subscript(key: String) -> Entry {
        guard let entry = entries.first(where: { $0.setting.key == key }) else { preconditionFailure("no setting \(key)") }
        return entry
    }

    /// Reads and checks all layers.
    ///
    /// - Parameters:
    ///   - flags: what the command line said, by key.
    ///   - environment: the process's environment; names without `ASSAY_`, and names that are no setting, are not looked at
    ///     (Kubernetes puts some of its own there: ASSAY_PORT …).
    ///   - configFile: path of a YAML or JSON (`.json`) file; nil: what `ASSAY_CONFIG` says, else none.
    static func load(
        flags: [String: SettingValue], environment: [String: String], configFile: String?
    ) async throws(SettingsError) -> EffectiveSettings {
        var layers: [any ConfigProvider] = [
            InMemoryProvider(
                name: Layer.flags,
                values: Dictionary(
                    uniqueKeysWithValues: flags.map { (AbsoluteConfigKey([$0]), ConfigValue($1.content, isSecret: false)) })),
            EnvironmentVariablesProvider(environmentVariables: environment).prefixKeys(with: "assay"),
        ]
        let path = configFile ?? environment["ASSAY_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        if let path { layers.append(try await SettingsFile.provider(path)) }
        let reader = LayeredReader(layers, path: path)
        var entries: [Entry] = []
        for setting in Setting.all { entries.append(try reader.entry(setting)) }
        return EffectiveSettings(entries: entries)
    }

    enum Layer {
        static let flags = "flags"
    }
}

extension SettingValue {
    var content: ConfigContent {
        switch self {
        case .text(let text): .string(text)
        case .integer(let value): .int(value)
        case .integers(let values): .intArray(values)
        }
    }
}

/// Asks the layers for one setting at a time, and notes which of them answered.
private struct LayeredReader {
    private let reader: ConfigReader
    private let reporter = LastAccess()
    private let path: String?

    init(_ layers: [any ConfigProvider], path: String?) {
        self.reader = ConfigReader(providers: layers, accessReporter: reporter)
        self.path = path
    }

    func entry(_ setting: Setting) throws(SettingsError) -> EffectiveSettings.Entry {
        let (found, origin) = try value(of: setting)
        guard let found else { return .init(setting: setting, value: setting.standard, origin: .standard) }
        let isEmpty = found.text.isEmpty && setting.mayBeEmpty
        if !isEmpty, !setting.allows(found) {
            throw .invalid(key: setting.key, value: setting.shown(found.text), origin: origin, expected: setting.expectation)
        }
        return .init(setting: setting, value: isEmpty ? nil : found, origin: origin)
    }

    /// The strongest layer's value; it must be of the setting's type there, or it is refused (never skipped).
    private func value(of setting: Setting) throws(SettingsError) -> (SettingValue?, SettingOrigin) {
        let key = ConfigKey([setting.key])
        let found: SettingValue? =
            switch setting.kind {
            case .integer: reader.int(forKey: key).map { .integer($0) }
            case .processors: reader.intArray(forKey: key).map { .integers($0) }
            default: reader.string(forKey: key, isSecret: setting.kind == .database).map { .text($0) }
            }
        let origin = origin(setting)
        if reporter.hasFailed {
            // An empty environment variable is a common way to say "none"; it is no list and no number.
            let text = reader.string(forKey: key, isSecret: true)
            if text == "", setting.mayBeEmpty { return (.text(""), origin) }
            throw .invalid(
                key: setting.key, value: setting.shown(text ?? "(another type)"), origin: origin, expected: setting.expectation)
        }
        return (found, origin)
    }

    private func origin(_ setting: Setting) -> SettingOrigin {
        guard let layer = reporter.layer else { return .standard }
        if layer.hasPrefix("InMemoryProvider") { return .flag("--" + setting.key) }
        if layer.contains("EnvironmentVariables") { return .environment(setting.environmentName) }
        return .file(path ?? layer)
    }
}

/// Which layer answered the last question, and whether its value was of the wrong type.
private final class LastAccess: AccessReporter {
    private let state = Mutex<(layer: String?, hasFailed: Bool)>((nil, false))

    var layer: String? { state.withLock { $0.layer } }
    var hasFailed: Bool { state.withLock { $0.hasFailed } }

    func report(_ event: AccessEvent) {
        var layer: String?
        var hasFailed = event.conversionError != nil
        for answer in event.providerResults {
            switch answer.result {
            case .success(let result) where result.value == nil: continue
            case .success: layer = answer.providerName
            case .failure:
                layer = answer.providerName
                hasFailed = true
            }
        }
        state.withLock { $0 = (layer, hasFailed) }
    }
}
