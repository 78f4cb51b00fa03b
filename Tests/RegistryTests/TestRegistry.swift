import Glibc
import Logging
import ModelBundle
import Platform
import Synchronization

@testable import Registry

/// A registry in a temporary directory, removed at the end, with a clock that stands still until it is moved, and a count of admissions.
final class TestRegistry: Sendable {
    let path: String
    let directory: RegistryDirectory
    let clock: TestClock
    let admissions: AdmissionCount

    init(startingAt nanoseconds: Int64 = 1_800_000_000_000_000_000) throws {
        // Memory where there is some: these tests are about what is written, not about how long a disk takes to sync it.
        let parent = File.isDirectory("/dev/shm") ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/assay-registry-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(operation: "mkdtemp", code: errno) }
        let root = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path = "\(root)/registry"
        let clock = TestClock(nanoseconds)
        let admissions = AdmissionCount()
        self.clock = clock
        self.admissions = admissions
        directory = try RegistryDirectory(
            path: path, createIfMissing: true, loader: { path throws(BundleError) in try admissions.load(path) },
            wallNanoseconds: { clock.now })
    }

    deinit {
        // The registry first: a link in it may point to a file beside it, and removeTree passes over links that dangle.
        try? File.removeTree(path)
        try? File.removeTree(File.directory(of: path))
    }

    /// Writes a bundle file outside the registry.
    func file(_ name: String, salt: Int = 0, unproven: Bool = false) throws -> String {
        let path = "\(File.directory(of: path))/\(name)-\(salt).assay"
        try File.writeAtomically(TestBundle.bytes(name, salt: salt, unproven: unproven), to: path)
        return path
    }

    /// Pushes a bundle that differs with `salt`.
    @discardableResult
    func push(_ name: String, salt: Int = 0, alias: String? = nil) throws -> UInt32 {
        try directory.push(file: file(name, salt: salt), alias: alias, who: "tester", why: "test")
    }

    func move(_ name: String, _ alias: String = "champion", to version: UInt32) throws {
        try directory.setAlias(name, alias: alias, version: version, who: "tester", why: "test")
    }

    func text(_ relative: String) throws -> String { String(decoding: try File.read("\(path)/\(relative)"), as: UTF8.self) }

    func overwrite(_ relative: String, _ text: String) throws {
        try File.writeAtomically(Array(text.utf8), to: "\(path)/\(relative)")
    }

    func names(_ relative: String) throws -> [String] { try File.list("\(path)/\(relative)") }

    /// Every file below the registry with its bytes, to show that nothing changed.
    func contents(of relative: String = "") throws -> [String: [UInt8]] {
        var all: [String: [UInt8]] = [:]
        for name in try File.list("\(path)/\(relative)") {
            let below = relative.isEmpty ? name : "\(relative)/\(name)"
            if File.isDirectory("\(path)/\(below)") {
                all.merge(try contents(of: below)) { a, _ in a }
                all[below + "/"] = []
            } else {
                all[below] = try File.read("\(path)/\(below)")
            }
        }
        return all
    }
}

final class TestClock: Sendable {
    private let value: Atomic<Int64>
    init(_ nanoseconds: Int64) { value = Atomic(nanoseconds) }
    var now: Int64 { value.load(ordering: .relaxed) }
    func set(_ nanoseconds: Int64) { value.store(nanoseconds, ordering: .relaxed) }
    func advance(seconds: Int64) { value.add(seconds * 1_000_000_000, ordering: .relaxed) }
}

/// Loads bundles and counts how often each file was admitted or refused.
final class AdmissionCount: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func load(_ path: String) throws(BundleError) -> Bundle {
        counts.withLock { $0[path, default: 0] += 1 }
        return try Bundle.admit(file: path)
    }

    subscript(path: String) -> Int { counts.withLock { $0[path] ?? 0 } }
    var total: Int { counts.withLock { $0.values.reduce(0, +) } }
}

/// The error that `body` throws, as a text; nil when it throws none.
func thrown(_ body: () throws(RegistryError) -> Void) -> String? {
    do throws(RegistryError) {
        try body()
        return nil
    } catch { return error.description }
}

extension RegistrySnapshot {
    /// `find` with texts.
    func find(_ name: String, alias: String = "", version: UInt32 = 0) -> Lookup {
        Array(name.utf8).withUnsafeBytes { name in
            Array(alias.utf8).withUnsafeBytes { alias in find(name: name, alias: alias, version: version) }
        }
    }

    /// The version that a request would get; nil when it would get none.
    func version(_ name: String, alias: String = "", version: UInt32 = 0) -> UInt32? {
        guard case .found(let index) = find(name, alias: alias, version: version) else { return nil }
        return entries[index].version
    }
}

let silentLogger: Logger = {
    Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
}()

extension String {
    /// The text with the first `old` replaced.
    func replacingOnce(_ old: String, _ new: String) -> String {
        let parts = split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
        precondition(parts.count == 2, "\(old) is not in \(self)")
        return parts[0] + new + parts[1]
    }
}

func symbolicLink(_ target: String, _ path: String) -> Bool { symlink(target, path) == 0 }
