import Platform
import Testing

@testable import Console

@Suite struct ConsoleRoutesTests {
    static func json(_ answer: ConsoleRoutes.Answer) throws -> JSON { try JSON.parse(Array(answer.body.utf8)) }

    @Test func readyzIsReadyWithoutReasons() throws {
        let answer = ConsoleRoutes(source: Samples.source()).answer(method: "GET", path: "/readyz")
        #expect(answer.status == 200)
        let json = try Self.json(answer)
        #expect(json["ready"] == true)
        #expect(json["reasons"] == [])
    }

    @Test func warningsAreToldAndDoNotBlock() throws {
        let report = ReadinessReport(reasons: [.init(code: "BUNDLE_REFUSED", text: "cards 3: \"bad\"", blocking: false)])
        let answer = ConsoleRoutes(source: Samples.source(readiness: report)).answer(method: "GET", path: "/readyz")
        #expect(answer.status == 200)
        let reason = try #require(try Self.json(answer)["reasons"]?[0])
        #expect(reason["code"] == "BUNDLE_REFUSED")
        #expect(reason["text"] == "cards 3: \"bad\"")
        #expect(reason["blocking"] == false)
    }

    @Test func oneBlockingReasonMakesItUnready() throws {
        let report = ReadinessReport(reasons: [
            .init(code: "POSTGRES_DOWN", text: "no database", blocking: false),
            .init(code: "DRAINING", text: "stopping", blocking: true),
        ])
        let answer = ConsoleRoutes(source: Samples.source(readiness: report)).answer(method: "GET", path: "/readyz")
        #expect(answer.status == 503)
        let json = try Self.json(answer)
        #expect(json["ready"] == false)
        #expect(json["reasons"]?.array?.count == 2)
    }

    @Test func livezNeedsNothingOfTheServer() {
        let source = ConsoleSource(
            readiness: { preconditionFailure("asked") }, metrics: { preconditionFailure("asked") },
            models: { preconditionFailure("asked") })
        #expect(ConsoleRoutes(source: source).answer(method: "GET", path: "/livez").status == 200)
    }

    @Test func modelsAreSortedAndCarryTheirRefusal() throws {
        let json = try Self.json(ConsoleRoutes(source: Samples.source()).answer(method: "GET", path: "/models"))
        let models = try #require(json["models"]?.array)
        #expect(models.map { $0["version"]?.integer } == [1, 2])
        #expect(models[0]["refused"] == "golden row 3: expected 0.5, got 0.25")
        #expect(models[0]["unproven"] == true)
        #expect(models[1]["refused"] == JSON.null)
        #expect(models[1]["aliases"] == ["champion"])
        #expect(models[1]["pushed_at_ns"]?.integer == 1_700_000_000_000_000_000)
    }

    @Test(arguments: ["/", "", "/metrics/", "/readyz/../metrics", "/METRICS", "/favicon.ico", "//livez"])
    func otherPathsAreNotFound(_ path: String) {
        let answer = ConsoleRoutes(source: Samples.source()).answer(method: "GET", path: path)
        #expect(answer.status == 404)
        #expect(answer.contentType.hasPrefix("application/json"))
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
    func otherMethodsAreRefusedWithWhatIsAllowed(_ method: String) {
        let answer = ConsoleRoutes(source: Samples.source()).answer(method: method, path: "/metrics")
        #expect(answer.status == 405)
        #expect(answer.allow == "GET, HEAD")
    }
}
