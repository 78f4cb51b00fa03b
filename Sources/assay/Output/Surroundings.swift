import Foundation
import Platform

/// What the process knows of where it runs. The one file with Foundation: its `Bundle` is not ours.
enum Surroundings {
    static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// The value of a variable; nil when it is empty, too.
    static func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Who runs this process, and where: `ada@risk-7`.
    static var userAtHost: String {
        let user = [NSUserName(), environment["USER"] ?? ""].first { !$0.isEmpty } ?? "uid-\(getuid())"
        return "\(user)@\(ProcessInfo.processInfo.hostName)"
    }

    /// Processors that this process may run on: `taskset` and containers' cpusets count. Foundation counts all that are there.
    static var processorCount: Int {
        let status = (try? File.read("/proc/self/status", byteCountMax: 1 << 16)).map { String(decoding: $0, as: UTF8.self) }
        return status.flatMap(allowedProcessorCount(status:)) ?? ProcessInfo.processInfo.activeProcessorCount
    }

    /// Reads `Cpus_allowed` of /proc/self/status, a mask in hexadecimal words separated by commas; nil when it is not there.
    static func allowedProcessorCount(status: String) -> Int? {
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Cpus_allowed:") }) else { return nil }
        let words = line.dropFirst(13).filter { !$0.isWhitespace }.split(separator: ",").map { UInt64($0, radix: 16) }
        guard !words.isEmpty, !words.contains(nil) else { return nil }
        return words.reduce(0) { $0 + ($1?.nonzeroBitCount ?? 0) }
    }
}
