import CLinux
import Glibc
import Platform

/// One connection of a loop: its socket, what is in flight on it, and the bytes on their way in and out.
struct LoadConnection: ~Copyable {
    enum State: Equatable {
        case open
        /// Started, not yet writable.
        case connecting
        /// To be opened again at `retryNanoseconds`, if at all.
        case closed(retryNanoseconds: UInt64)
    }

    /// How a read or write ended.
    enum Progress: Equatable {
        case ok
        /// The socket takes no more bytes at present.
        case blocked
        case ended
        case fault
    }

    /// Number of the connection in the whole process.
    let index: Int
    private(set) var state = State.closed(retryNanoseconds: 0)
    /// Owned; -1 when there is none.
    private(set) var descriptor: Int32 = -1
    private(set) var inFlight: InFlight
    private var stream = ReplyStream()
    private var output = SendQueue()
    /// The loop waits for room in the socket.
    var awaitsWritable = false
    /// The loop has it on its list of connections to be flushed.
    var isDirty = false

    init(index: Int, depth: Int) {
        self.index = index
        inFlight = InFlight(depth: depth)
    }

    deinit {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    /// Takes over a connected or connecting socket.
    mutating func attach(_ socket: consuming FileDescriptor, state: State) {
        precondition(descriptor < 0)
        descriptor = socket.release()
        self.state = state
    }

    /// Begins the conversation; nothing is in flight before.
    mutating func open(hello: [UInt8]) {
        state = .open
        output.append(hello)
    }

    /// Gives the socket back. Returns how many requests were in flight.
    mutating func close(retryNanoseconds: UInt64) -> Int {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
        state = .closed(retryNanoseconds: retryNanoseconds)
        stream.reset()
        output.removeAll()
        awaitsWritable = false
        return inFlight.abandon()
    }

    /// Whether another request may be sent.
    var hasRoom: Bool { state == .open && !inFlight.isFull && output.byteCount < LoadLimits.writeByteCountSoft }

    /// Puts a request into the send queue.
    @inline(__always)
    mutating func enqueue(
        _ item: Int, part: UInt16, of requests: PreparedRequests, intendedNanoseconds: UInt64, sentNanoseconds: UInt64,
        deadlineMicroseconds: Int64
    ) {
        guard
            let place = inFlight.begin(
                item: item, part: part, intendedNanoseconds: intendedNanoseconds, sentNanoseconds: sentNanoseconds)
        else { return }
        let id = RequestID(connection: index, slot: place.slot, generation: place.generation)
        requests.append(item, id: id, deadlineMicroseconds: deadlineMicroseconds, to: &output)
    }

    /// Writes what the socket takes, in one call.
    mutating func flush(bytesSent: inout UInt64) -> Progress {
        if output.isEmpty { return .ok }
        let count = unsafe assay_send(descriptor, output.pending.baseAddress!, output.byteCount)
        if count < 0 { return count == -Int(EAGAIN) ? .blocked : .ended }
        bytesSent &+= UInt64(count)
        output.consume(count)
        return output.isEmpty ? .ok : .blocked
    }

    /// Reads what there is, in one call, and gives every complete reply to `sink`.
    mutating func receive(_ buffer: inout ReceiveBuffer, _ sink: inout ReplySink) -> Progress {
        let kept = stream.prepare(&buffer)
        // Safety: prepare left room behind the kept bytes; the socket fills no more than that.
        let count = unsafe assay_receive(descriptor, buffer.bytes.baseAddress! + kept, buffer.bytes.count - kept)
        guard count > 0 else { return count == -Int(EAGAIN) ? .ok : .ended }
        sink.tally.nowNanoseconds = Clock.monotonicNanoseconds()
        sink.tally.bytesReceived &+= UInt64(count)
        // Safety: these bytes were kept or have just been read.
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer.bytes[0..<(kept + count)])
        var offset = 0
        do throws(ReplyFault) {
            while let payload = try unsafe stream.next(in: bytes, at: &offset) {
                try unsafe sink.take(payload, connection: index, &inFlight)
            }
        } catch {
            return .fault
        }
        unsafe stream.keep(bytes, from: offset)
        return .ok
    }
}
