import FuzzTargets
import Glibc
import Platform
import Testing

/// Damaged model files, by the hundred: none crashes, none takes long, none scores otherwise than the golden rows say.
@Suite struct MutantTests {
    typealias Kind = MutantTrial.Kind

    /// Small files made by the frameworks, see Fixtures; a bundle is made of some of them.
    static let files: [Kind: [String]] = [
        .xgboostJSON: ["binary_logistic", "dart", "categories_mixed", "vector_leaf", "linear_softprob"].map { $0 + ".json" },
        .xgboostUBJSON: ["binary_logistic", "dart", "categories_mixed", "vector_leaf", "linear_softprob"].map { $0 + ".ubj" },
        .lightGBM: ["binary", "one_hot", "zero_as_missing", "rf_binary", "multiclass"].map { "lgb_\($0).txt" },
        .onnx: ["rf_classes", "gb_binary", "modes", "v5_float", "iforest_one_tree", "scaled_logistic"].map { "onnx/\($0).onnx" },
        .bundle: [
            "binary_logistic.json", "categories_mixed.json", "lgb_binary.txt", "onnx/iforest_one_tree.onnx",
            "linear_softprob.json",
        ],
    ]

    @Test(arguments: Kind.allCases)
    func sixHundredMutantsNeitherCrashNorHangNorScoreOtherwise(kind: Kind) throws {
        let files = try #require(Self.files[kind]).map(Fixtures.path)
        try expectHarmless(MutantCampaign(kind: kind, files: files, seed: 20_251), files: "fixtures")
    }

    /// Of the models that come from elsewhere, those of at most this many bytes.
    private static let sharedByteCountMax = 100_000

    @Test(.enabled(if: Fixtures.sharedModels != nil), arguments: Kind.allCases)
    func mutantsOfModelsFromElsewhereAreHarmlessToo(kind: Kind) throws {
        let names = [
            Kind.xgboostJSON: [
                "mlserver_mushroom_xgboost/model.json", "treelite_xgb_toy_categorical/model.json", "xgb_cards_dart/model.json",
            ],
            .xgboostUBJSON: ["treelite_xgb_toy_categorical/model_resaved_by_xgb3.2.ubj", "xgb_cards_rf/model.ubj"],
            .lightGBM: [
                "lleaves_pure_categorical/model.txt", "treelite_toy_categorical/model.txt", "lgb_zero_as_missing/model.txt",
            ],
            .onnx: ["onnx_from_xgboost/model.onnx", "onnx_gb_binary/model.onnx"],
            .bundle: ["treelite_toy_categorical/model.txt", "xgb_cards_rf/model.json"],
        ]
        let directory = try #require(Fixtures.sharedModels)
        let files = try #require(names[kind]).map { directory + "/" + $0 }
        try expectHarmless(MutantCampaign(kind: kind, files: files, seed: 20_252), files: "shared models")
    }

    @Test func crashesAndHangsOfTheChildAreCounted() throws {
        let result = try MutantCampaign(kind: .onnx, files: [], seed: 0, verb: "rehearse").run(count: 8)
        #expect(result.crashes == [3] && result.hangs == [5])
        #expect(result.counts == [.refused: 6])
    }

    private func expectHarmless(_ campaign: MutantCampaign, files: String) throws {
        let result = try campaign.run(count: 600)
        print("mutants of \(campaign.kind.rawValue), \(files), seed \(campaign.seed): \(result)")
        #expect(result.crashes.isEmpty && result.hangs.isEmpty, "`mutant-child show` writes a mutant to standard output")
        #expect(result.counts[.changed] == nil)
        #expect(result.counts.values.reduce(0, +) == 600)
        // A campaign that refuses everything, or nothing, would say little.
        #expect((result.counts[.admitted] ?? 0) > 0 && (result.counts[.refused] ?? 0) > 100)
    }

    /// Every input that ever crashed a target, and the inputs that fuzzing starts from.
    @Test(arguments: FuzzTarget.allCases, ["regressions", "corpus"])
    func everyInputThatEverCrashedIsReadOrRefused(target: FuzzTarget, folder: String) throws {
        let directory = Fixtures.directory + "/../../Fuzz/\(folder)/\(target.rawValue)"
        guard File.isDirectory(directory) else {
            try #require(folder == "regressions")
            return
        }
        let names = try File.list(directory)
        if folder == "corpus" { #expect(!names.isEmpty) }
        for name in names { target.run(try File.read(directory + "/" + name)) }
    }
}

/// Mutants run by a child process, which a crash or two seconds of CPU time end, and the count of what became of them.
struct MutantCampaign {
    let kind: MutantTrial.Kind
    let files: [String]
    let seed: UInt64
    /// What the child is told to do.
    var verb = "run"

    struct Result: CustomStringConvertible {
        var counts: [MutantTrial.Outcome: Int] = [:]
        /// The numbers of the mutants.
        var crashes: [Int] = []
        var hangs: [Int] = []
        var slowest = (number: 0, microseconds: 0)

        var description: String {
            let outcomes = MutantTrial.Outcome.allCases.map { "\(counts[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", ")
            return "\(crashes.count) crashes\(Self.list(crashes)), \(hangs.count) hangs\(Self.list(hangs)), \(outcomes), "
                + "slowest \(slowest.microseconds / 1000) ms of CPU (mutant \(slowest.number))"
        }

        private static func list(_ numbers: [Int]) -> String { numbers.isEmpty ? "" : " \(numbers)" }
    }

    /// Runs mutants 0 to `count`; after one that ended the child, another child goes on.
    func run(count: Int) throws -> Result {
        var result = Result()
        var next = 0
        while next < count {
            let (lines, status) = try child(from: next, to: count)
            for line in lines {
                let words = line.split(separator: " ")
                guard words.count == 3, Int(words[0]) == next, let outcome = MutantTrial.Outcome(rawValue: String(words[1])),
                    let microseconds = Int(words[2])
                else { throw CampaignError.lineInvalid(line) }
                result.counts[outcome, default: 0] += 1
                if microseconds > result.slowest.microseconds { result.slowest = (next, microseconds) }
                next += 1
            }
            if next == count, status == 0 { break }
            let signal = status & 0x7f
            guard signal != 0, next < count else { throw CampaignError.childFailed(status: status) }
            if signal == SIGPROF { result.hangs.append(next) } else { result.crashes.append(next) }
            next += 1
        }
        return result
    }

    enum CampaignError: Error {
        case lineInvalid(String)
        /// As waitpid tells it.
        case childFailed(status: Int32)
    }

    private func child(from first: Int, to end: Int) throws -> (lines: [String], status: Int32) {
        let program = try Self.program()
        try #require(File.exists(program), "\(program) is not built")
        let output = "/tmp/assay-mutants-\(getpid())-\(Clock.monotonicNanoseconds())"
        defer { unlink(output) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        let command = [program, verb, kind.rawValue, String(seed), String(first), String(end)] + files
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { (text: String) in strdup(text) } + [nil]
        // A backtrace would take longer than the mutant.
        var variables: [UnsafeMutablePointer<CChar>?] = [strdup("SWIFT_BACKTRACE=enable=no"), nil]
        if let path = getenv("LD_LIBRARY_PATH") {
            variables.insert(strdup("LD_LIBRARY_PATH=" + String(cString: path)), at: 0)
        }
        defer { for pointer in arguments + variables { free(pointer) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, program, &actions, nil, &arguments, &variables)
        guard code == 0 else { throw SystemError(operation: "posix_spawn", path: program, code: code) }
        var status: Int32 = 0
        waitpid(process, &status, 0)
        return (String(decoding: try File.read(output), as: UTF8.self).split(separator: "\n").map(String.init), status)
    }

    /// The child lies beside the tests' own program.
    private static func program() throws -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { throw SystemError(operation: "readlink", path: "/proc/self/exe", code: errno) }
        return File.directory(of: String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self))
            + "/mutant-child"
    }
}
