import ArgumentParser
import Forest
import Platform

/// `assay version`.
struct Version: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Print the version of this program.")

    @Flag(help: "Print JSON.") var json = false

    /// The version of this program; CHANGELOG.md tells what is in it.
    static let number = "0.1.0"
    /// The compiler's version, of which Swift lets a program know no more than this.
    static let swift = compilerVersion

    static var text: String { "assay \(number) (Swift \(swift))" }

    func run() {
        if json {
            Output.json(
                JSON.object([
                    "version": .string(Self.number), "swift": .string(Self.swift),
                    "kernels": .array(Kernel.available.map { .string($0.rawValue) }),
                ]))
        } else {
            Output.line(Self.text)
            Output.line("scores with kernel \(Kernel.best.rawValue)")
        }
    }

    private static var compilerVersion: String {
        #if compiler(>=6.5)
            "6.5 or later"
        #elseif compiler(>=6.4)
            "6.4"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }
}
