import Foundation

/// Runs a program to its end.
enum RunCommand {
    struct Result {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The `assay` that was built beside these tests; nil when it was not.
    static let assay: String? = {
        let here = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let candidates = [here.appendingPathComponent("assay").path, Bundle.main.bundleURL.appendingPathComponent("assay").path]
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    static func run(
        _ program: String, _ arguments: [String], in directory: String? = nil, environment: [String: String] = [:]
    ) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
        var inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("ASSAY_") }
        inherited.merge(environment) { _, own in own }
        process.environment = inherited
        // Files, not pipes: a full pipe would stop the program, whichever of the two is read first.
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("assay-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let files = try ["out", "err"].map { name in
            let file = directory.appendingPathComponent(name)
            try Data().write(to: file)
            return (file, try FileHandle(forWritingTo: file))
        }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = files[0].1
        process.standardError = files[1].1
        try process.run()
        process.waitUntilExit()
        return Result(
            status: process.terminationStatus, output: try String(contentsOf: files[0].0, encoding: .utf8),
            errors: try String(contentsOf: files[1].0, encoding: .utf8))
    }
}
