import Glibc
import Platform
import Synchronization

@testable import Audit

/// Where simulations keep what is not on the simulated disk: locks and the ring file, in a directory of their own on tmpfs.
final class SimulationRoom {
    private static let counter = Atomic<Int>(0)
    private let path: String

    init() {
        let root = File.isDirectory("/dev/shm") ? "/dev/shm" : "/tmp"
        path = "\(root)/assay-simulation-\(getpid())-\(Self.counter.wrappingAdd(1, ordering: .relaxed).newValue)"
        try? File.removeTree(path)
    }

    deinit { remove() }

    func remove() { try? File.removeTree(path) }

    /// The smallest sizes that a server allows, so that rings are full and segments end after few records.
    func configuration(workerCount: Int) -> AuditConfiguration {
        var configuration = AuditConfiguration(journalDirectory: "\(path)/journal", workerCount: workerCount)
        configuration.ringDirectory = "\(path)/ring"
        configuration.ringByteCount = AuditLimits.ringByteCountRange.lowerBound
        configuration.segmentByteCount = AuditLimits.segmentByteCountRange.lowerBound
        configuration.blockByteCount = AuditLimits.blockByteCountRange.lowerBound
        return configuration
    }

    func clear() { try? File.removeTree("\(path)/ring") }

    func ring() -> [UInt8]? { ringPath.flatMap { try? File.read($0) } }

    func removeRing() {
        if let ringPath { try? File.remove(ringPath) }
    }

    /// Puts a ring file back as it was.
    func restoreRing(_ bytes: [UInt8]?) {
        guard let bytes else { return removeRing() }
        guard let ringPath, let descriptor = try? File.open(ringPath, O_WRONLY | O_TRUNC) else { return }
        try? File.write(descriptor, bytes)
    }

    private var ringPath: String? {
        (try? File.list("\(path)/ring"))?.first { $0.hasSuffix(".ring") }.map { "\(path)/ring/\($0)" }
    }
}
