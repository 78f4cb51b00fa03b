import Platform
import Registry
import Wire

/// One connection as a value machine: bytes in, bytes out. It knows no socket, so the epoll loop, a TLS listener and a test drive it alike.
///
///     bytes -> frames -> requests -> decisions -> records in the audit trail -> replies
///
/// Scores, Hello, Health, Stats and ListModels are answered in the call that brings them; what needs files goes to the worker's `submit`
/// and is answered later through `controlDone` (replies may overtake each other).
public struct Session: ~Copyable {
    /// What the caller calls itself, NUL-terminated for the encoders; empty before Hello.
    var callerName: [UInt8] = []
    private(set) var acceptsLZ4 = false
    private let mayAdminister: Bool
    private var inFlightCount = 0
    /// Made by the first request that waits for the disk.
    var held: HeldReplies?
    /// Note of whoever drives the session: it knows that replies are held.
    public var isListed = false

    /// - Parameter mayAdminister: SetAlias and Rollback are accepted on this connection.
    public init(mayAdminister: Bool) {
        self.mayAdminister = mayAdminister
    }

    /// What a call of `receive` made of its bytes.
    public struct Progress: Equatable, Sendable {
        /// Bytes taken from the front.
        public var consumed: Int
        /// Bytes, counted from the first one not consumed, that must be there before the next call is worth while.
        public var needed: Int
        /// The connection can't go on: close it when the output is sent.
        public var mustClose: Bool
    }

    /// No reply is being waited for.
    public var isIdle: Bool { waitingCount == 0 }

    /// Requests that wait for their reply.
    var waitingCount: Int { inFlightCount + (held?.count ?? 0) }

    /// Takes as many whole frames as `bytes` holds and writes their replies to `output`; stops early when `output` wants to be sent.
    /// - Parameter waitingSince: on the monotonic clock, when the bytes have arrived at the earliest; nil: just now.
    public mutating func receive(
        _ bytes: UnsafeRawBufferPointer, waitingSince: UInt64? = nil, worker: ScoringWorker, output: inout SendBuffer
    ) -> Progress {
        worker.beginTurn(waitingSince: waitingSince)
        let progress = unsafe answerFrames(bytes, worker, &output)
        worker.endTurn()
        if worker.hasUnannounced { announceHeld(worker, &output) }
        return progress
    }

    private mutating func answerFrames(
        _ bytes: UnsafeRawBufferPointer, _ worker: ScoringWorker, _ output: inout SendBuffer
    ) -> Progress {
        var consumed = 0
        while true {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[consumed...])
            do throws(FrameError) {
                switch try unsafe Frame.prefix(of: rest, byteCountMax: worker.limits.frameByteCountMax) {
                case .incomplete(let byteCount):
                    return Progress(consumed: consumed, needed: byteCount, mustClose: false)
                case .frame(let byteCount, let isCompressed):
                    let end = Frame.headerByteCount + byteCount
                    if output.wantsFlush { return Progress(consumed: consumed, needed: end, mustClose: false) }
                    let payload = unsafe UnsafeRawBufferPointer(rebasing: rest[Frame.headerByteCount..<end])
                    try unsafe answer(payload, isCompressed, worker, &output)
                    consumed += end
                }
            } catch {
                worker.counters.countBadFrame()
                ReplyError(reason: error.reason, text: error.description).writeFrame(id: 0, status: .badFrame, to: &output)
                return Progress(consumed: bytes.count, needed: 0, mustClose: true)
            }
        }
    }

    /// A request given to `submit` was answered, or never will be.
    public mutating func controlDone() {
        precondition(inFlightCount > 0, "an answer that nobody waits for")
        inFlightCount -= 1
    }

    private mutating func answer(
        _ payload: UnsafeRawBufferPointer, _ isCompressed: Bool, _ worker: ScoringWorker, _ output: inout SendBuffer
    ) throws(FrameError) {
        guard isCompressed else { return try unsafe answer(payload, worker, &output) }
        let message = try unsafe Compression.decompress(payload, byteCountMax: worker.limits.frameByteCountMax)
        var failure: FrameError?
        unsafe message.withUnsafeBytes { plain in
            do throws(FrameError) { try unsafe answer(plain, worker, &output) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private mutating func answer(
        _ payload: UnsafeRawBufferPointer, _ worker: ScoringWorker, _ output: inout SendBuffer
    ) throws(FrameError) {
        worker.arena.reset()
        guard let request = unsafe RequestView.decode(payload, arena: worker.arena) else {
            throw .badMessage(byteCount: payload.count)
        }
        switch request.body {
        case .score(let score):
            do throws(Refusal) {
                prepareToHold(score.durability, worker)
                try decide(request, score, worker, &output)
            } catch {
                refuse(request.id, .score, error, worker, &output)
            }
        case .scoreBatch(let batch):
            do throws(Refusal) {
                prepareToHold(batch.durability, worker)
                try decide(request, batch, worker, &output)
            } catch {
                refuse(request.id, .scoreBatch, error, worker, &output)
            }
        case .other(let other): answer(request, other, worker, &output)
        }
    }

    private mutating func answer(
        _ request: RequestView, _ other: OtherRequestView, _ worker: ScoringWorker, _ output: inout SendBuffer
    ) {
        guard let body = other.body else {
            let error = ReplyError(reason: "UNKNOWN_METHOD", text: "no method that this server knows is set")
            return error.writeFrame(id: request.id, status: .unimplemented, to: &output)
        }
        do throws(Refusal) {
            if let result = try serve(request, body, worker) {
                worker.counters.countRequest(body.method, .ok)
                let limit = worker.limits.frameByteCountMax
                output.append(Reply(id: request.id, body: result).frame(acceptsLZ4: acceptsLZ4, byteCountMax: limit))
            }
        } catch {
            refuse(request.id, body.method, error, worker, &output)
        }
    }

    private func refuse(_ id: UInt64, _ method: Method, _ refusal: Refusal, _ worker: ScoringWorker, _ output: inout SendBuffer) {
        worker.counters.countRequest(method, refusal.status)
        refusal.error.writeFrame(id: id, status: refusal.status, to: &output)
    }

    /// The seldom methods; nil when the answer comes later.
    private mutating func serve(
        _ request: RequestView, _ body: RequestBody, _ worker: ScoringWorker
    ) throws(Refusal) -> ReplyBody? {
        try checkDeadline(request, worker)
        switch body {
        case .hello(let hello): return .hello(try greet(hello, worker))
        case .health: return .health(worker.services.health())
        case .stats: return .stats(worker.services.stats())
        case .listModels: return .listModels(worker.services.models())
        case .setAlias, .rollback:
            guard mayAdminister else { throw .notAdministrator }
            try submit(request, body, worker)
        case .getDecision, .describeModel, .fetchBundle: try submit(request, body, worker)
        case .score, .scoreBatch: preconditionFailure("scores have a view of their own")
        }
        return nil
    }

    private mutating func submit(_ request: RequestView, _ body: RequestBody, _ worker: ScoringWorker) throws(Refusal) {
        guard waitingCount < worker.limits.inFlightMax else { throw .tooManyInFlight(limit: worker.limits.inFlightMax) }
        // What waits must be small: a queue of texts as long as a frame would take gigabytes.
        guard body.textByteCountMax <= RegistryLimits.whyByteCountMax else {
            throw .textTooLong(byteCount: body.textByteCountMax)
        }
        let control = ControlRequest(
            id: request.id, body: body, caller: String(decoding: callerName.dropLast(), as: UTF8.self), acceptsLZ4: acceptsLZ4,
            deadlineMicroseconds: request.deadlineMicroseconds)
        guard worker.submit(control) else { throw .controlQueueFull }
        inFlightCount += 1
    }

    private mutating func greet(_ hello: HelloRequest, _ worker: ScoringWorker) throws(Refusal) -> HelloMessage {
        guard hello.protocolVersion == 1 else { throw .protocolVersion(hello.protocolVersion) }
        for byteCount in [hello.clientName.utf8.count, hello.clientVersion.utf8.count] {
            guard byteCount <= WireLimits.callerByteCountMax else { throw .callerTooLong(byteCount: byteCount) }
        }
        let name = hello.clientVersion.isEmpty ? hello.clientName : "\(hello.clientName)/\(hello.clientVersion)"
        callerName = Self.keptBytes(of: name) + [0]
        acceptsLZ4 = hello.acceptsLZ4
        var reply = HelloMessage()
        reply.serverVersion = worker.services.serverVersion
        reply.serverID = worker.services.serverID
        reply.frameByteCountMax = UInt32(worker.limits.frameByteCountMax)
        reply.inFlightMax = UInt32(worker.limits.inFlightMax)
        reply.batchRowCountMax = UInt32(worker.limits.batchRowCountMax)
        return reply
    }

    /// What fits the audit trail's field, cut between two characters: half a one is no UTF-8, and would have every score refused.
    private static func keptBytes(of name: String) -> [UInt8] {
        let bytes = Array(name.utf8)
        guard bytes.count > WireLimits.callerByteCountMax else { return bytes }
        var end = WireLimits.callerByteCountMax
        // 10xxxxxx goes on with a character.
        while bytes[end] & 0xc0 == 0x80 { end -= 1 }
        return Array(bytes[..<end])
    }

    /// The caller's name for the audit trail: what the request says, else what Hello said.
    func caller(_ stated: TextView, _ worker: ScoringWorker) -> TextView {
        stated.isEmpty && !callerName.isEmpty ? worker.arena.text(callerName) : stated
    }

    func checkDeadline(_ request: RequestView, _ worker: ScoringWorker) throws(Refusal) {
        guard request.deadlineMicroseconds != 0 else { return }
        let now = worker.wallNanoseconds(at: worker.latestNanoseconds) / 1000
        guard request.deadlineMicroseconds > now else {
            let (late, overflows) = now.subtractingReportingOverflow(request.deadlineMicroseconds)
            throw .deadlineExceeded(lateMicroseconds: overflows ? .max : late)
        }
    }
}

extension Session {
    /// Admission by queue time: what has waited too long would be answered too late, and so would all that waits behind it.
    func checkQueue(_ worker: ScoringWorker) throws(Refusal) {
        let limit = worker.limits.queueNanosecondsMax
        guard limit != 0, worker.queueNanoseconds > limit else { return }
        throw .overloaded(limitMicroseconds: limit / 1000)
    }
}

extension RequestBody {
    /// The length of the longest text of a request that leaves the loop.
    fileprivate var textByteCountMax: Int {
        switch self {
        case .describeModel(let model), .fetchBundle(let model, _, _): max(model.bundle.utf8.count, model.alias.utf8.count)
        case .setAlias(let bundle, let alias, _, let who, let why), .rollback(let bundle, let alias, let who, let why):
            max(bundle.utf8.count, alias.utf8.count, who.utf8.count, why.utf8.count)
        case .getDecision(_, let transactionID, _): transactionID.utf8.count
        case .score, .scoreBatch, .hello, .health, .listModels, .stats: 0
        }
    }
}

extension SendBuffer {
    mutating func append(_ frame: [UInt8]) {
        unsafe frame.withUnsafeBytes { unsafe append($0) }
    }
}
