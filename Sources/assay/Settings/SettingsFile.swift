import Configuration
import Platform
import Synchronization

/// The configuration file as a layer: YAML, or JSON when its name ends in `.json`; a flat table of the settings' names.
enum SettingsFile {
    /// Far above any configuration, far below what would hurt.
    static let byteCountMax = 1 << 20

    static func provider(_ path: String) async throws(SettingsError) -> any ConfigProvider {
        // Looked at first, for an error that says what is wrong; the library reads it again.
        let bytes: [UInt8]
        do { bytes = try File.read(path, byteCountMax: byteCountMax) } catch {
            throw .unreadableFile(path: path, reason: "\(error)")
        }
        let (provider, keys) =
            path.hasSuffix(".json") ? try await json(path, bytes) : try await yaml(path)
        let known = Set(Setting.all.map(\.key))
        let unknown = Set(keys).subtracting(known).sorted()
        guard unknown.isEmpty else { throw .unknownKeys(unknown, path: path) }
        return provider
    }

    private static func yaml(_ path: String) async throws(SettingsError) -> (any ConfigProvider, [String]) {
        // The library asks of every key whether it is secret, which is the one way to learn which keys there are.
        let keys = KeyCollector()
        let options = YAMLSnapshot.ParsingOptions(secretsSpecifier: .dynamic { key, _ in keys.add(key) })
        do {
            return (try await FileProvider<YAMLSnapshot>(parsingOptions: options, config: location(path)), keys.all)
        } catch {
            throw .malformedFile(path: path, reason: firstLine("\(error)"))
        }
    }

    private static func json(_ path: String, _ bytes: [UInt8]) async throws(SettingsError) -> (any ConfigProvider, [String]) {
        let members: [JSONMember]
        do {
            guard let object = try JSON.parse(bytes).object else {
                throw SettingsError.malformedFile(path: path, reason: "it is not an object")
            }
            members = object
        } catch let error as SettingsError { throw error } catch {
            throw .malformedFile(path: path, reason: "\(error)")
        }
        do {
            return (try await FileProvider<JSONSnapshot>(config: location(path)), members.map(\.key))
        } catch {
            throw .malformedFile(path: path, reason: firstLine("\(error)"))
        }
    }

    private static func location(_ path: String) -> ConfigReader {
        ConfigReader(provider: InMemoryProvider(values: ["filePath": .init(.string(path), isSecret: false)]))
    }

    /// A YAML error goes on with the offending line itself, which may hold a password.
    private static func firstLine(_ text: String) -> String {
        String(text.prefix { !$0.isNewline })
    }
}

/// Gathers keys from the parser.
private final class KeyCollector: Sendable {
    private let keys = Mutex<[String]>([])

    var all: [String] { keys.withLock { $0 } }

    /// Always true: what comes from the file is treated as secret in the library's own reports.
    func add(_ key: String) -> Bool {
        keys.withLock { $0.append(key) }
        return true
    }
}
