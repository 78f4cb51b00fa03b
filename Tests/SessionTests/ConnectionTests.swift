import Platform
import Testing
import Wire

@testable import Session

@Suite struct ConnectionTests {
    private let score = RequestBody.score(ScoreRequest(model: ModelReference(bundle: "stump"), input: .features32([1, 2, 3])))

    @Test func framesSplitAtAnyByteAreAnsweredOnce() throws {
        let bench = try SessionBench()
        let stream = (1...3).flatMap { Request(id: $0, body: score).frame() }
        for cut in 0...stream.count {
            var (progress, replies) = try bench.receive(Array(stream[..<cut]))
            #expect(!progress.mustClose)
            #expect(cut == stream.count || progress.needed > cut - progress.consumed)
            let rest = try bench.receive(Array(stream[progress.consumed...]))
            replies += rest.replies
            progress = rest.progress
            #expect(replies.map(\.id) == [1, 2, 3])
            #expect(replies.allSatisfy { $0.status == .ok })
        }
    }

    @Test func badFrameIsAnsweredAndEndsTheConnectionAfterTheGoodOnesBeforeIt() throws {
        for (bytes, reason) in [
            ([0xff, 0, 0, 0, 1, 0], "FRAME_FLAGS"), ([0, 0xff, 0xff, 0xff, 0xff], "FRAME_TOO_LONG"),
            ([0, 0, 0, 0, 3, 0xff, 0xff, 0xff], "FRAME_MESSAGE"), ([1, 0, 0, 0, 6, 9, 0, 0, 0, 1, 2], "FRAME_COMPRESSION"),
        ] as [([UInt8], String)] {
            let bench = try SessionBench()
            let (progress, replies) = try bench.receive(Request(id: 4, body: score).frame() + bytes + [1, 2, 3])
            #expect(progress.mustClose)
            #expect(replies.map(\.status) == [.ok, .badFrame])
            #expect(replies.last?.error?.reason == reason)
            #expect(bench.worker.counters.badFrames == 1)
        }
    }

    @Test func compressedRequestIsUnderstood() throws {
        let bench = try SessionBench()
        var long = ScoreRequest(model: ModelReference(bundle: "stump"), input: .features32([1, 2, 3]))
        long.transactionID = String(repeating: "a", count: 128)
        let plain = Request(id: 2, body: .score(long)).frame()
        let message = Array(plain[Frame.headerByteCount...])
        let frame = try #require(message.withUnsafeBytes { Compression.frame($0) })
        let (_, replies) = try bench.receive(frame)
        #expect(replies.map(\.status) == [.ok])
    }

    @Test func unknownMethodIsRefusedAndTheConnectionGoesOn() throws {
        let bench = try SessionBench()
        // Request{id: 3} with field 49, which is no method.
        let (progress, replies) = try bench.receive([0, 0, 0, 0, 5, 8, 3, 0x8a, 3, 0])
        #expect(!progress.mustClose)
        #expect(replies.map(\.status) == [.unimplemented])
        #expect(replies[0].id == 3)
        #expect(try bench.ask(score).status == .ok)
    }

    @Test func helloTellsTheLimitsAndNamesTheCaller() throws {
        let bench = try SessionBench()
        let reply = try bench.ask(.hello(HelloRequest(clientName: "gateway", clientVersion: "2.1", acceptsLZ4: false)))
        guard case .hello(let hello)? = reply.body else {
            Issue.record("no hello: \(reply)")
            return
        }
        #expect(hello.serverVersion == "test")
        #expect(hello.serverID.count == 16)
        #expect(hello.frameByteCountMax == UInt32(WireLimits.frameByteCountMax))
        _ = try bench.ask(score)
        #expect(try bench.record(1).caller == "gateway/2.1")
        #expect(try bench.ask(.hello(HelloRequest(protocolVersion: 2, clientName: "x"))).error?.reason == "PROTOCOL_VERSION")
    }

    /// 64 bytes are kept; what the cut would halve is left out, so that the name stays UTF-8 and scores are accepted.
    @Test func longNamesOfCallersAreCutBetweenCharacters() throws {
        let limit = WireLimits.callerByteCountMax
        for (name, version, kept) in [
            (String(repeating: "x", count: limit - 1) + "é", "", nil), (String(repeating: "x", count: limit + 1), "", nil),
            (String(repeating: "x", count: limit - 2), "é", String(repeating: "x", count: limit - 2) + "/"),
            (
                String(repeating: "é", count: limit / 2), String(repeating: "y", count: limit),
                String(repeating: "é", count: limit / 2)
            ),
            ("gateway/", String(repeating: "𝄞", count: limit / 4), "gateway//" + String(repeating: "𝄞", count: (limit - 9) / 4)),
        ] as [(String, String, String?)] {
            let bench = try SessionBench()
            let reply = try bench.ask(.hello(HelloRequest(clientName: name, clientVersion: version)))
            guard let kept else {
                #expect(reply.error?.reason == "CALLER_TOO_LONG")
                continue
            }
            #expect(try bench.ask(score).status == .ok)
            #expect(try bench.record(1).caller == kept)
        }
    }

    @Test func controlRequestsWaitAndAreLimited() throws {
        var limits = SessionLimits()
        limits.inFlightMax = 2
        let bench = try SessionBench(limits: limits)
        for id in UInt64(1)...2 {
            #expect(try bench.receive(Request(id: id, body: .getDecision(auditSequence: 9)).frame()).replies.isEmpty)
        }
        #expect(!bench.isIdle)
        #expect(bench.submitted.all.map(\.id) == [1, 2])
        let third = try bench.ask(.getDecision(auditSequence: 9))
        #expect(third.status == .resourceExhausted)
        #expect(third.error?.reason == "TOO_MANY_IN_FLIGHT")
        #expect(third.error?.retryAfterMicroseconds ?? 0 > 0)
        // A score overtakes what waits.
        #expect(try bench.ask(score).status == .ok)
        bench.controlDone()
        bench.controlDone()
        #expect(bench.isIdle)
        bench.submitted.refuseFromNowOn()
        #expect(try bench.ask(.getDecision(auditSequence: 9)).error?.reason == "CONTROL_QUEUE_FULL")
        #expect(bench.isIdle)
    }

    @Test func controlRequestsThatWaitAreSmall() throws {
        let bench = try SessionBench()
        let long = String(repeating: "x", count: 5000)
        for body in [
            .describeModel(ModelReference(bundle: long)),
            .fetchBundle(ModelReference(bundle: "a", alias: long), offset: 0, byteCountMax: 0),
            .setAlias(bundle: "a", alias: "b", version: 1, who: "c", why: long),
            .rollback(bundle: "a", alias: "b", who: long, why: ""),
        ] as [RequestBody] {
            let reply = try bench.ask(body)
            #expect(reply.status == .invalidArgument)
            #expect(reply.error?.reason == "TEXT_TOO_LONG")
        }
        #expect(bench.submitted.all.isEmpty)
        #expect(bench.isIdle)
    }

    @Test func deadlinesAtTheEndsOfTimeAreUnderstood() throws {
        let bench = try SessionBench()
        let late = try bench.ask(Request(id: 1, deadlineMicroseconds: .min, body: score))
        #expect(late.status == .deadlineExceeded)
        #expect(late.error?.text == "the deadline had passed \(Int64.max) us before")
        #expect(try bench.ask(Request(id: 2, deadlineMicroseconds: .max, body: score)).status == .ok)
    }

    @Test func administrationNeedsARightfulConnection() throws {
        let rollback = RequestBody.rollback(bundle: "stump", alias: "", who: "me", why: "x")
        let bench = try SessionBench(mayAdminister: false)
        let reply = try bench.ask(rollback)
        #expect(reply.status == .permissionDenied)
        #expect(bench.submitted.all.isEmpty)
        let admin = try SessionBench()
        #expect(try admin.receive(Request(id: 1, body: rollback).frame()).replies.isEmpty)
        #expect(admin.submitted.all.map(\.body) == [rollback])
    }

    @Test func countersTellMethodsOutcomesAndDurations() throws {
        let bench = try SessionBench()
        _ = try bench.score([0, 1, 2])
        _ = try bench.score([5, 1, 2])
        _ = try bench.score([5])
        let counters = bench.worker.counters
        #expect(counters.requests(.score, .ok) == 2)
        #expect(counters.requests(.score, .invalidArgument) == 1)
        #expect(counters.decisions(slot: 1, outcome: .approve) == 1)
        #expect(counters.decisions(slot: 1, outcome: .decline) == 1)
        #expect(counters.durationCounts.reduce(0, +) == 2)
        #expect(counters.durationSumNanoseconds > 0)
    }

    @Test func arbitraryStreamsNeverHarm() throws {
        let bench = try SessionBench()
        var generator = SeededGenerator(seed: 31)
        let good = Request(id: 1, body: score).frame()
        for _ in 0..<3000 {
            var bytes = Bool.random(using: &generator) ? good : []
            var mutant = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                mutant[Int.random(in: 0..<mutant.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            bytes += mutant
            let (progress, _) = try bench.receive(bytes)
            #expect(progress.consumed <= bytes.count)
        }
        #expect(try bench.score([1, 2, 3]).status == .ok)
    }
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
