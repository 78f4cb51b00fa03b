import NIOCore
import Testing
import Wire

@testable import AssayClient

@Suite struct ConversationTests {
    private func call(_ id: UInt64) -> Conversation<String>.Call { .init(id: id, frame: [UInt8(id)], ticket: "\(id)") }

    private func isSent(_ admission: Conversation<String>.Admission) -> Bool {
        if case .send = admission { true } else { false }
    }

    private func delivered(_ arrival: Conversation<String>.Arrival) -> String? {
        switch arrival {
        case .deliver(let ticket): ticket
        case .drop: "dropped"
        case .unexpected: nil
        }
    }

    @Test func repliesFindTheirCallersInAnyOrder() {
        var conversation = Conversation<String>(inFlightMax: 10)
        for id in UInt64(1)...3 { #expect(isSent(conversation.begin(call(id)))) }
        #expect(delivered(conversation.arrived(id: 3)) == "3")
        #expect(delivered(conversation.arrived(id: 1)) == "1")
        #expect(delivered(conversation.arrived(id: 1)) == nil)
        #expect(delivered(conversation.arrived(id: 2)) == "2")
        #expect(conversation.isIdle)
    }

    @Test func callsBeyondTheLimitWaitInOrder() {
        var conversation = Conversation<String>(inFlightMax: 2, waitingMax: 2)
        #expect(isSent(conversation.begin(call(1))))
        #expect(isSent(conversation.begin(call(2))))
        for id in UInt64(3)...4 { #expect(!isSent(conversation.begin(call(id)))) }
        guard case .refuse(.tooManyWaiting(limit: 2)) = conversation.begin(call(5)) else {
            Issue.record("a call beyond the list was taken")
            return
        }
        #expect(conversation.nextToSend() == nil)
        #expect(delivered(conversation.arrived(id: 2)) == "2")
        #expect(conversation.nextToSend() == [3])
        #expect(conversation.nextToSend() == nil)
        _ = conversation.arrived(id: 1)
        _ = conversation.arrived(id: 3)
        // Waiting calls go first, also when there is room.
        #expect(!isSent(conversation.begin(call(6))))
        #expect(conversation.nextToSend() == [4])
        #expect(conversation.nextToSend() == [6])
    }

    @Test func lateReplyToACallGivenUpIsDropped() {
        var conversation = Conversation<String>(inFlightMax: 2)
        _ = conversation.begin(call(1))
        #expect(conversation.abandon(id: 1) == "1")
        #expect(conversation.abandon(id: 1) == nil)
        #expect(conversation.inFlightCount == 1)
        #expect(delivered(conversation.arrived(id: 1)) == "dropped")
        #expect(conversation.isIdle)
    }

    @Test func waitingCallGivenUpIsNeverSent() {
        var conversation = Conversation<String>(inFlightMax: 1)
        for id in UInt64(1)...3 { _ = conversation.begin(call(id)) }
        #expect(conversation.abandon(id: 2) == "2")
        _ = conversation.arrived(id: 1)
        #expect(conversation.nextToSend() == [3])
        #expect(delivered(conversation.arrived(id: 2)) == nil)
    }

    @Test func serverThatOwesAWholeWindowIsStuck() {
        var conversation = Conversation<String>(inFlightMax: 2)
        for id in UInt64(1)...2 { _ = conversation.begin(call(id)) }
        _ = conversation.abandon(id: 1)
        #expect(!conversation.isStuck)
        _ = conversation.abandon(id: 2)
        #expect(conversation.isStuck)
        _ = conversation.arrived(id: 1)
        #expect(!conversation.isStuck)
    }

    @Test func everybodyIsToldOfTheEnd() {
        var conversation = Conversation<String>(inFlightMax: 2)
        for id in UInt64(1)...5 { _ = conversation.begin(call(id)) }
        _ = conversation.abandon(id: 4)
        _ = conversation.abandon(id: 1)
        #expect(Set(conversation.abandonAll()) == ["2", "3", "5"])
        #expect(conversation.isIdle)
        #expect(conversation.nextToSend() == nil)
    }

    @Test func longQueueStaysInOrderWhileItIsCompacted() {
        var conversation = Conversation<String>(inFlightMax: 1)
        _ = conversation.begin(.init(id: 0, frame: [], ticket: "0"))
        for id in UInt64(1)...1_000 { _ = conversation.begin(.init(id: id, frame: [UInt8(id % 251)], ticket: "\(id)")) }
        for id in UInt64(1)...1_000 {
            _ = conversation.arrived(id: id - 1)
            #expect(conversation.nextToSend() == [UInt8(id % 251)])
        }
        #expect(conversation.waitingCount == 0)
    }

    @Test func largerLimitLetsWaitingCallsGo() {
        var conversation = Conversation<String>(inFlightMax: 1)
        for id in UInt64(1)...3 { _ = conversation.begin(call(id)) }
        conversation.setInFlightMax(3)
        #expect(conversation.nextToSend() == [2])
        #expect(conversation.nextToSend() == [3])
    }
}

@Suite struct FrameAccumulatorTests {
    private let replies = [
        Reply(id: 1, body: .health(HealthMessage(isReady: true, reasons: []))),
        Reply(id: 2, status: .notFound, error: ReplyError(reason: "UNKNOWN_BUNDLE", text: "no such bundle")),
        Reply(id: 3, body: .getDecision(record: [UInt8](repeating: 7, count: 10_000))),
    ]

    @Test func framesSplitAtAnyByteComeOutWhole() throws {
        let bytes = replies.flatMap { $0.frame() }
        for cut in Array(0...200) + Array((bytes.count - 20)...bytes.count) {
            var accumulator = FrameAccumulator()
            var decoded: [Reply] = []
            for piece in [bytes[..<cut], bytes[cut...]] {
                var buffer = ByteBuffer(bytes: piece)
                accumulator.append(&buffer)
                while let reply = try accumulator.next() { decoded.append(reply) }
            }
            #expect(decoded == replies, "cut at \(cut)")
        }
    }

    @Test func singleBytesMakeFramesToo() throws {
        var accumulator = FrameAccumulator()
        var decoded: [Reply] = []
        for byte in replies.flatMap({ $0.frame() }) {
            var buffer = ByteBuffer(bytes: [byte])
            accumulator.append(&buffer)
            while let reply = try accumulator.next() { decoded.append(reply) }
        }
        #expect(decoded == replies)
    }

    @Test func compressedReplyIsRead() throws {
        let frame = replies[2].frame(acceptsLZ4: true)
        #expect(frame[0] == 1)
        var accumulator = FrameAccumulator()
        var buffer = ByteBuffer(bytes: frame)
        accumulator.append(&buffer)
        #expect(try accumulator.next() == replies[2])
    }

    @Test func damagedFramesAreRefused() {
        for bytes in [[9, 0, 0, 0, 0], [0, 0xff, 0xff, 0xff, 0xff], [0, 0, 0, 0, 2, 0xff, 0xff], [1, 0, 0, 0, 2, 1, 2]]
            as [[UInt8]]
        {
            var accumulator = FrameAccumulator()
            var buffer = ByteBuffer(bytes: bytes)
            accumulator.append(&buffer)
            #expect(throws: FrameError.self) { try accumulator.next() }
        }
    }
}
