import Forest
import Testing
import Wire

@testable import LoadGenerator

@Suite struct PreparedRequestsTests {
    private func sent(_ requests: PreparedRequests, _ item: Int, id: RequestID, deadline: Int64 = 0) throws -> [UInt8] {
        var queue = SendQueue(byteCount: 8)
        requests.append(item, id: id, deadlineMicroseconds: deadline, to: &queue)
        return Array(queue.pending)
    }

    private func configuration(batch: Int = 1, deadline: Double? = nil) -> LoadConfiguration {
        var configuration = LoadConfiguration(server: .tcp(host: "localhost", port: 1), bundle: "cards")
        configuration.rowsPerRequest = batch
        configuration.deadlineMilliseconds = deadline
        configuration.alias = "challenger"
        return configuration
    }

    private static let values: [Double] = [1, 2, .nan, 4, 5, 6]
    private let rows = LoadInput.rows(values, featureCount: 2, .float32)

    @Test func patchedFrameIsTheRequestThatTheEncoderWouldMake() throws {
        let requests = try rows.prepared(configuration())
        let model = ModelReference(bundle: "cards", alias: "challenger")
        for item in 0..<3 {
            let id = RequestID(connection: 77, slot: item, generation: 12)
            let values = rows.features(row: item).map(Float.init)
            let body = RequestBody.score(ScoreRequest(model: model, input: .features32(values)))
            #expect(try sent(requests, item, id: id) == Request(id: id.rawValue, body: body).frame())
        }
    }

    /// A bundle of float64 gets what float32 does not hold.
    @Test func rowsTravelInTheBundlesPrecision() throws {
        let values = [0.1, .nan, 1e300, -2]
        let rows = LoadInput.rows(values, featureCount: 2, .float64)
        let model = ModelReference(bundle: "cards", alias: "challenger")
        let id = RequestID(connection: 0, slot: 0, generation: 1)
        let single = RequestBody.score(ScoreRequest(model: model, input: .features64([1e300, -2])))
        #expect(try sent(rows.prepared(configuration()), 1, id: id) == Request(id: id.rawValue, body: single).frame())
        let batch = RequestBody.scoreBatch(ScoreBatchRequest(model: model, features64: values, rowCount: 2))
        #expect(try sent(rows.prepared(configuration(batch: 2)), 0, id: id) == Request(id: id.rawValue, body: batch).frame())
    }

    @Test func deadlineIsPatched() throws {
        let requests = try rows.prepared(configuration(deadline: 5))
        let id = RequestID(connection: 0, slot: 0, generation: 1)
        let deadline: Int64 = 1_795_000_000_123_456
        let body = RequestBody.score(
            ScoreRequest(model: ModelReference(bundle: "cards", alias: "challenger"), input: .features32([1, 2])))
        let expected = Request(id: id.rawValue, deadlineMicroseconds: deadline, body: body).frame()
        #expect(try sent(requests, 0, id: id, deadline: deadline) == expected)
    }

    @Test func batchesGoRoundTheRows() throws {
        let requests = try rows.prepared(configuration(batch: 2))
        #expect(requests.count == 2)
        #expect((0..<2).flatMap { item in (0..<2).map { requests.row(item: item, position: $0) } } == [0, 1, 2, 0])
        let id = RequestID(connection: 0, slot: 0, generation: 1)
        let values = (Array(rows.features(row: 2)) + Array(rows.features(row: 0))).map(Float.init)
        let body = RequestBody.scoreBatch(
            ScoreBatchRequest(model: ModelReference(bundle: "cards", alias: "challenger"), features32: values, rowCount: 2))
        #expect(try sent(requests, 1, id: id) == Request(id: id.rawValue, body: body).frame())
    }

    @Test func noRowsIsAnError() throws {
        let configuration = configuration()
        #expect(throws: LoadError.input("there is no row to send")) {
            try LoadInput.rows([], featureCount: 2, .float32).prepared(configuration)
        }
    }

    @Test func randomRowsFollowTheSchemaAndTheSeed() {
        let features: [ModelDescription.Feature] = [
            .init(name: "f", type: "float", isMissingAllowed: false, source: ""),
            .init(name: "b", type: "boolean", isMissingAllowed: false, source: ""),
            .init(name: "m", type: "integer", isMissingAllowed: true, source: ""),
        ]
        let rows = LoadInput.random(features, rowCount: 500, seed: 9, precision: .float32)
        var missing = 0
        for row in 0..<500 {
            let values = Array(rows.features(row: row))
            #expect(values.allSatisfy { $0.isNaN || Double(Float($0)) == $0 })
            #expect(values[0].isFinite)
            #expect(values[1] == 0 || values[1] == 1)
            if values[2].isNaN { missing += 1 } else { #expect(values[2] == values[2].rounded()) }
        }
        #expect((5...60).contains(missing))
        let again = LoadInput.random(features, rowCount: 500, seed: 9, precision: .float32)
        #expect(
            (0..<500).allSatisfy {
                rows.features(row: $0).elementsEqual(again.features(row: $0)) { $0.bitPattern == $1.bitPattern }
            })
        #expect(
            !LoadInput.random(features, rowCount: 5, seed: 10, precision: .float32).features(row: 0)
                .elementsEqual(rows.features(row: 0)))
    }

    @Test func queueKeepsItsBytesWhileItGrowsAndDrains() {
        let seed: UInt64 = 3
        var generator = SeededGenerator(seed: seed)
        var queue = SendQueue(byteCount: 4)
        var model: [UInt8] = []
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if !bytes.isEmpty { queue.append(bytes) }
            model += bytes
            let taken = Int.random(in: 0...model.count, using: &generator)
            queue.consume(taken)
            model.removeFirst(taken)
            #expect(Array(queue.pending) == model, "seed \(seed)")
        }
    }
}
