import Foundation

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

    /// Processors that this process may run on: `taskset` and containers' cpusets count.
    static var processorCount: Int { ProcessInfo.processInfo.activeProcessorCount }
}
