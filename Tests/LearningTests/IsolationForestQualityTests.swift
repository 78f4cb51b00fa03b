import Glibc
import ModelImport
import Platform
import Testing

@testable import Learning

/// How well abnormal rows are found, on public sets with labels (ADBench), beside scikit-learn's IsolationForest.
@Suite struct IsolationForestQualityTests {
    struct LabelledSet: CustomTestStringConvertible {
        let name: String
        let rowCount: Int
        /// The mean ROC AUC of scikit-learn 1.9.1 over 20 seeds, 100 trees, 256 samples, the rows scored that were trained on.
        let peer: Double

        var testDescription: String { name }
    }

    static let sets = [
        LabelledSet(name: "anomaly_23_mammography", rowCount: 11183, peer: 0.8611),
        LabelledSet(name: "anomaly_38_thyroid", rowCount: 3772, peer: 0.9786),
        LabelledSet(name: "anomaly_22_magic.gamma", rowCount: 19020, peer: 0.7259),
    ]
    static let seeds: [UInt64] = [1, 2, 3]

    @Test(
        .enabled(if: SharedData.directory != nil, "no ../shared/data/models/data, or no zstd: quality is not measured"),
        arguments: sets)
    func abnormalRowsAreFoundAsWellAsByScikitLearn(set: LabelledSet) throws {
        let directory = try #require(SharedData.directory)
        let table = try CSV.parse(#require(SharedData.unpacked(directory + "/\(set.name).csv.zst")), as: Float.self)
        try #require(table.rows == set.rowCount)
        let featureCount = table.columns - 1
        let rows = (0..<table.rows).flatMap { table.row($0).dropLast() }
        let isAbnormal = (0..<table.rows).map { table[$0, featureCount] == 1 }
        let areas = try Self.seeds.map { seed in
            var parameters = IsolationForest.Parameters()
            parameters.seed = seed
            let forest = try IsolationForest(training: rows, featureCount: featureCount, parameters: parameters)
            return Self.areaUnderCurve(forest.scores(rows), isAbnormal)
        }
        let mean = areas.reduce(0, +) / Double(areas.count)
        print("isolation forest \(set.name): ROC AUC \(mean) over seeds \(Self.seeds), scikit-learn \(set.peer); each \(areas)")
        #expect(abs(mean - set.peer) < 0.03)
    }

    /// The probability that an abnormal row scores higher than a usual one; equal scores count a half.
    private static func areaUnderCurve(_ scores: [Double], _ isAbnormal: [Bool]) -> Double {
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        var rankSum = 0.0
        var start = 0
        while start < order.count {
            var end = start
            while end < order.count, scores[order[end]] == scores[order[start]] { end += 1 }
            // Ranks from 1 on; equal scores share the mean of theirs.
            for index in order[start..<end] where isAbnormal[index] { rankSum += Double(start + end + 1) / 2 }
            start = end
        }
        let abnormalCount = Double(isAbnormal.count { $0 })
        return (rankSum - abnormalCount * (abnormalCount + 1) / 2) / (abnormalCount * (Double(scores.count) - abnormalCount))
    }

    @Test func theAreaUnderTheCurveIsThatOfItsDefinition() {
        #expect(Self.areaUnderCurve([1, 2, 3, 4], [false, false, true, true]) == 1)
        #expect(Self.areaUnderCurve([4, 3, 2, 1], [false, false, true, true]) == 0)
        #expect(Self.areaUnderCurve([1, 1, 1, 1], [false, true, false, true]) == 0.5)
        #expect(Self.areaUnderCurve([1, 2, 3, 4], [false, true, false, true]) == 0.75)
    }
}

/// The sets beside the package, packed with zstd.
enum SharedData {
    static let directory: String? = {
        guard system("command -v zstd >/dev/null 2>&1") == 0 else { return nil }
        let package = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
        let parent = package.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        let candidates = [environment("ASSAY_SHARED"), parent + "/shared"].compactMap(\.self)
        return candidates.map { $0 + "/data/models/data" }.first(where: File.isDirectory)
    }()

    static func unpacked(_ path: String) -> [UInt8]? {
        guard let pipe = popen("zstd -dc '\(path)'", "r") else { return nil }
        defer { pclose(pipe) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, pipe), count > 0 { bytes += chunk[..<count] }
        return bytes.isEmpty ? nil : bytes
    }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
