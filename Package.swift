// swift-tools-version: 6.2
import PackageDescription

// The floors of the house (docs/ARCHITECTURE.md): a target depends on lower floors only. Tests/ArchitectureTests holds the
// sources to it.

/// Settings of every Swift target: the whole package is checked for memory safety, and no warning is left standing.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// Tests may use unsafe constructs without marking each one.
let testing: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

let nio = "swift-nio"
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
    name: "assay",
    products: [
        .executable(name: "assay", targets: ["assay"]),
        .executable(name: "assay-load", targets: ["assay-load"]),
        .library(name: "AssayClient", targets: ["AssayClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-configuration.git", exact: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift.git", exact: "0.2.0"),
    ],
    targets: [
        // Floor 0: system libraries, the C that Swift's Glibc lacks, and the C generated from proto/.
        .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .target(name: "CLinux"),
        .target(name: "CJournal"),
        .target(name: "AssayProto", dependencies: ["CProtobufC"]),
        .target(name: "ONNXProto", dependencies: ["CProtobufC"]),
        .target(name: "CForestKernels"),

        // Floor 1
        .target(name: "Platform", dependencies: ["CLinux", crypto], swiftSettings: strict),
        .target(name: "Forest", dependencies: ["CForestKernels"], swiftSettings: strict),

        // Floor 2
        .target(name: "ModelBundle", dependencies: ["Forest", "Platform"], swiftSettings: strict),
        .target(
            name: "ModelImport", dependencies: ["ModelBundle", "Forest", "Platform", "ONNXProto", "CProtobufC"],
            swiftSettings: strict),
        .target(name: "Wire", dependencies: ["AssayProto", "CProtobufC", "CLZ4", "Platform"], swiftSettings: strict),
        .target(name: "Reactor", dependencies: ["CLinux", "Platform"], swiftSettings: strict),

        // Floor 3
        .target(name: "Decision", dependencies: ["ModelBundle", "Forest", "Wire", "Platform"], swiftSettings: strict),
        .target(
            name: "Audit", dependencies: ["Wire", "Platform", "CJournal", "CLZ4", "CPostgres", "CLinux", logging],
            swiftSettings: strict),
        .target(name: "Registry", dependencies: ["ModelBundle", "Platform", logging], swiftSettings: strict),
        .target(name: "Privacy", dependencies: ["Platform", crypto], swiftSettings: strict),
        .target(
            name: "TLSListener",
            dependencies: [
                "Reactor", "Platform", "CLinux", .product(name: "NIOCore", package: nio),
                .product(name: "NIOPosix", package: nio),
                .product(name: "NIOTLS", package: nio), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: strict),

        // Floor 4
        .target(
            name: "Session",
            dependencies: ["Decision", "Audit", "Privacy", "Registry", "ModelBundle", "Forest", "Wire", "Platform"],
            swiftSettings: strict),

        // Floor 5
        .target(
            name: "Server",
            dependencies: [
                "Session", "Decision", "Audit", "Privacy", "Registry", "TLSListener", "ModelBundle", "Wire", "Reactor",
                "Platform",
                logging,
            ],
            swiftSettings: strict),
        .target(
            name: "Console",
            dependencies: [
                "Platform", logging, .product(name: "NIOCore", package: nio), .product(name: "NIOPosix", package: nio),
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .target(
            name: "LoadGenerator",
            dependencies: [
                "Wire", "Audit", "Decision", "ModelBundle", "ModelImport", "Forest", "Platform", "CLinux",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ], swiftSettings: strict),
        .target(
            name: "Replay",
            dependencies: ["Decision", "Audit", "Registry", "ModelBundle", "Forest", "Wire", "Platform"], swiftSettings: strict),
        .target(name: "Learning", dependencies: ["ModelBundle", "Forest", "Platform"], swiftSettings: strict),
        .target(
            name: "AssayClient",
            dependencies: [
                "Wire", "Platform",
                .product(name: "NIOCore", package: nio), .product(name: "NIOPosix", package: nio),
            ], swiftSettings: strict),

        // Floor 6
        .executableTarget(
            name: "assay",
            dependencies: [
                "Server", "Console", "AssayClient", "Learning", "Replay", "Session", "ModelImport", "Audit", "Privacy",
                "Registry",
                "Decision",
                "ModelBundle",
                "Forest", "Wire",
                "Reactor", "TLSListener", "Platform", argumentParser, logging,
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "assay-load", dependencies: ["LoadGenerator", "Platform", argumentParser], swiftSettings: strict),

        // The reactor alone, to be measured beside bench/echo/echo.c.
        .executableTarget(
            name: "reactor-echo", dependencies: ["Reactor", "Platform"], path: "bench/echo/reactor-echo", swiftSettings: strict),

        // The engine alone, to be measured beside the peers of bench/engines with the same timing code.
        .target(name: "EngineTiming", path: "bench/engines/timing"),
        .executableTarget(
            name: "assay-engine", dependencies: ["EngineTiming", "ModelBundle", "Forest", "Platform"],
            path: "bench/engines/assay-engine", swiftSettings: strict),

        // Tests mirror the sources; Tests/EndToEnd (Python) drives the built programs.
        .testTarget(name: "ArchitectureTests", swiftSettings: testing),
        .testTarget(name: "PlatformTests", dependencies: ["Platform"], swiftSettings: testing),
        .testTarget(name: "ForestTests", dependencies: ["Forest"], swiftSettings: testing),
        .testTarget(name: "ModelBundleTests", dependencies: ["ModelBundle", "Forest", "Platform"], swiftSettings: testing),
        // What fuzzers and the mutants of ModelImportTests feed; each mutant campaign runs in a child, which may die.
        .target(
            name: "FuzzTargets", dependencies: ["ModelImport", "ModelBundle", "Forest", "Platform"],
            path: "Tests/Fuzz/FuzzTargets", swiftSettings: testing),
        .executableTarget(
            name: "mutant-child", dependencies: ["FuzzTargets", "Platform"], path: "Tests/Fuzz/MutantChild",
            swiftSettings: testing),
        .testTarget(
            name: "ModelImportTests",
            dependencies: ["ModelImport", "ModelBundle", "Forest", "Platform", "FuzzTargets", "mutant-child"],
            exclude: ["Fixtures"], swiftSettings: testing),
        .testTarget(
            name: "LearningTests", dependencies: ["Learning", "ModelImport", "ModelBundle", "Forest", "Platform"],
            swiftSettings: testing),
        .testTarget(name: "WireTests", dependencies: ["Wire", "Platform", "AssayProto", "CProtobufC"], swiftSettings: testing),
        .testTarget(name: "ReactorTests", dependencies: ["Reactor", "CLinux", "Platform"], swiftSettings: testing),
        .testTarget(
            name: "DecisionTests", dependencies: ["Decision", "ModelBundle", "Forest", "Wire", "Platform"], swiftSettings: testing
        ),
        // Killed in the middle of its work by AuditTests.
        .executableTarget(
            name: "audit-crash-child", dependencies: ["Audit", "Wire", "Platform", logging], path: "Tests/AuditCrashChild",
            swiftSettings: testing),
        .testTarget(
            name: "AuditTests",
            dependencies: ["Audit", "Wire", "Platform", "CJournal", "CLZ4", "CPostgres", "audit-crash-child", logging],
            swiftSettings: testing),
        .testTarget(name: "PrivacyTests", dependencies: ["Privacy", "Platform"], swiftSettings: testing),
        .testTarget(
            name: "RegistryTests", dependencies: ["Registry", "ModelBundle", "Forest", "Platform", logging],
            swiftSettings: testing),
        .testTarget(name: "TLSListenerTests", dependencies: ["TLSListener", "Reactor", "Platform"], swiftSettings: testing),
        .testTarget(
            name: "SessionTests",
            dependencies: ["Session", "Registry", "Audit", "Privacy", "ModelBundle", "Forest", "Wire", "Platform", logging],
            swiftSettings: testing),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Server", "Session", "AssayClient", "Registry", "ModelBundle", "Forest", "Wire", "Reactor", "Platform", logging,
            ],
            swiftSettings: testing),
        .testTarget(
            name: "ReplayTests",
            dependencies: ["Replay", "Audit", "Registry", "Decision", "ModelBundle", "Forest", "Wire", "Platform", logging],
            swiftSettings: testing),
        .testTarget(name: "ConsoleTests", dependencies: ["Console", "Platform", logging], swiftSettings: testing),
        .target(
            name: "TestServer", dependencies: ["Wire", "Platform", "CLinux"], path: "Tests/TestServer", swiftSettings: testing),
        .testTarget(
            name: "AssayClientTests",
            dependencies: ["AssayClient", "TestServer", "Wire", "Platform", .product(name: "NIOCore", package: nio)],
            swiftSettings: testing),
        .testTarget(
            name: "CommandLineTests",
            dependencies: ["assay", "Console", "Platform", logging, argumentParser],
            swiftSettings: testing),
        .testTarget(
            name: "LoadTests", dependencies: ["LoadGenerator", "TestServer", "ModelBundle", "Forest", "Wire", "Platform"],
            swiftSettings: testing),
    ]
)

// script/fuzz sets it: a fuzzer's program has no main of its own, so an ordinary build cannot link it.
if Context.environment["ASSAY_FUZZ"] == "1" {
    for name in ["xgboost-json", "xgboost-ubjson", "lightgbm", "onnx", "bundle", "rows", "schema"] {
        package.targets.append(
            .executableTarget(
                name: "fuzz-" + name, dependencies: ["FuzzTargets"], path: "Tests/Fuzz/Entries/" + name,
                // One file without top-level code.
                swiftSettings: testing + [.unsafeFlags(["-parse-as-library"])]))
    }
}

// bench/faults/simulate sets it: the simulation of AuditTests as a program, and the Audit module open to it in a release build.
if Context.environment["ASSAY_SIMULATE"] == "1" {
    let open: [SwiftSetting] = [.unsafeFlags(["-enable-testing"])]
    package.targets.removeAll { $0.name == "AuditTests" }
    for target in package.targets where target.name == "Audit" { target.swiftSettings = strict + open }
    package.targets += [
        .target(
            name: "AuditSimulation", dependencies: ["Audit", "Wire", "Platform", logging], path: "Tests/AuditTests/Simulation",
            swiftSettings: testing + open),
        .executableTarget(
            name: "audit-simulate", dependencies: ["AuditSimulation", "Platform"], path: "bench/faults/audit-simulate",
            swiftSettings: testing),
    ]
}
