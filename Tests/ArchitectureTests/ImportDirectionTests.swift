import Foundation
import Testing

/// A file imports downwards only: docs/ARCHITECTURE.md shows the floors, this test holds the sources to them.
@Suite struct ImportDirectionTests {
    private static let floors: [[String]] = [
        ["CProtobufC", "CPostgres", "CLZ4", "CLinux", "CJournal", "AssayProto", "ONNXProto", "CForestKernels"],
        ["Platform", "Forest"],
        ["ModelBundle", "ModelImport", "Wire", "Reactor"],
        ["Decision", "Audit", "Registry", "Privacy", "TLSListener"],
        ["Session"],
        ["Server", "Console", "AssayClient", "LoadGenerator", "Learning", "Replay"],
        ["assay", "assay-load"],
    ]
    /// Arrows within a floor that the house has on purpose: an importer makes what the bundle holds; LZ4, protobuf-c are what the generated
    /// C stands on.
    private static let sideways: Set<[String]> = [
        ["ModelImport", "ModelBundle"], ["AssayProto", "CProtobufC"], ["ONNXProto", "CProtobufC"],
    ]

    /// Modules that must not see I/O or the outside.
    private static let forbidden: [String: Set<String>] = [
        // Glibc is there for libm (expf, as XGBoost calls it), see `mathematics`.
        "Forest": ["Glibc", "Foundation", "Platform"],
        "Decision": ["Glibc", "Foundation", "Reactor"],
        "Session": ["Reactor", "Foundation"],
    ]

    /// The files that may import Glibc where it is forbidden otherwise, because they call its exponential function.
    private static let mathematics: Set = ["Transform+Float32.swift", "Transform+Float64.swift"]

    /// Foundation only where a library brings it along.
    private static let foundationAllowed: Set<String> = ["assay", "assay-load", "Console", "AssayClient"]

    private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    private static func imports(of file: URL) throws -> [String] {
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { importedModule(String($0)) }
    }

    /// `@testable import struct A.B` names A; a line that is no import names nothing.
    private static func importedModule(_ line: String) -> String? {
        let kinds: Set = ["struct", "class", "enum", "func", "protocol", "typealias", "var"]
        let words = line.split(separator: " ").map(String.init)
        guard let position = words.firstIndex(of: "import") else { return nil }
        guard words[..<position].allSatisfy({ $0.hasPrefix("@") || $0 == "public" }) else { return nil }
        let name = words[(position + 1)...].first { !kinds.contains($0) }
        return name?.split(separator: ".").first.map(String.init)
    }

    private static func violations(in imports: [String], of module: String) -> [String] {
        func floor(_ name: String) -> Int? { floors.firstIndex { $0.contains(name) } }
        guard let own = floor(module) else { return ["\(module) stands on no floor"] }
        return imports.compactMap { name in
            if forbidden[module]?.contains(name) == true { return "\(module) must not import \(name)" }
            if name == "Foundation", !foundationAllowed.contains(module) { return "\(module) imports Foundation" }
            guard let other = floor(name), other >= own, !sideways.contains([module, name]) else { return nil }
            return "\(module) (floor \(own)) imports \(name) (floor \(other))"
        }
    }

    @Test func everyFileImportsDownwardsOnly() throws {
        var fileCount = 0
        for module in try FileManager.default.contentsOfDirectory(atPath: Self.sources.path) {
            let folder = Self.sources.appending(path: module)
            for case let file as URL in FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)!
            where file.pathExtension == "swift" {
                fileCount += 1
                let imports = try Self.imports(of: file).filter {
                    $0 != "Glibc" || !Self.mathematics.contains(file.lastPathComponent)
                }
                let found = Self.violations(in: imports, of: module)
                #expect(found.isEmpty, "\(file.lastPathComponent): \(found)")
            }
        }
        #expect(fileCount > 50)
    }

    @Test func anUpwardOrForbiddenImportIsFound() {
        #expect(Self.violations(in: ["Session"], of: "Wire") == ["Wire (floor 2) imports Session (floor 4)"])
        #expect(Self.violations(in: ["Registry"], of: "Audit") == ["Audit (floor 3) imports Registry (floor 3)"])
        #expect(Self.violations(in: ["Foundation"], of: "Reactor") == ["Reactor imports Foundation"])
        #expect(Self.violations(in: ["Glibc"], of: "Decision") == ["Decision must not import Glibc"])
        #expect(Self.violations(in: ["ModelBundle"], of: "ModelImport").isEmpty)
        #expect(Self.violations(in: [], of: "Attic") == ["Attic stands on no floor"])
    }
}
