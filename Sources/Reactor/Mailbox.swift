import Platform
import Synchronization

/// What other threads tell a loop.
enum Letter: Sendable {
    case bytes(ConnectionID, [UInt8])
    case close(ConnectionID)
    /// A connection accepted elsewhere; the descriptor goes with the letter.
    case adopt(descriptor: Int32, PeerAddress)
    case listen(Listener)
    /// Something that connections wait for has happened.
    case resume
    case drain(deadlineNanoseconds: UInt64)
    case stop

    fileprivate var byteCount: Int {
        if case .bytes(_, let bytes) = self { return bytes.count }
        return 0
    }

    /// Orders of the owner are never refused for want of room.
    fileprivate var isOrder: Bool {
        switch self {
        case .bytes, .close, .adopt: false
        case .listen, .resume, .drain, .stop: true
        }
    }
}

/// The letters to one loop, and the bell that wakes it. Cold: the loop looks into it only when the bell rang.
final class Mailbox: Sendable {
    let signal: EventSignal
    let connectionCountMax: Int
    /// Connections that are on the loop or on their way to it. Relaxed: it only balances, exactness is not needed.
    let connectionCount = Atomic<Int>(0)

    /// A `resume` waits to be read; a second one would say nothing more.
    private let isResuming = Atomic(false)

    private struct Contents {
        var letters: [Letter] = []
        var byteCount = 0
        var isClosed = false
    }

    private let contents = Mutex(Contents())

    init(connectionCountMax: Int) throws(ReactorError) {
        self.connectionCountMax = connectionCountMax
        do { signal = try EventSignal() } catch { throw .system(error) }
    }

    /// False: the loop has ended, or more letters wait than `Limits` allows; the letter was not taken.
    func put(_ letter: Letter) -> Bool {
        let (accepted, mustRing) = contents.withLock { contents -> (Bool, Bool) in
            let byteCount = contents.byteCount + letter.byteCount
            let fits = contents.letters.count < Limits.letterCountMax && byteCount <= Limits.letterByteCountMax
            guard !contents.isClosed, fits || letter.isOrder else { return (false, false) }
            contents.letters.append(letter)
            contents.byteCount = byteCount
            return (true, contents.letters.count == 1)
        }
        if mustRing { signal.signal() }
        return accepted
    }

    /// False: the loop has ended.
    func putResume() -> Bool {
        // Partner: the exchange in `takeResume`. Who finds it set has had its news stored before that exchange, which makes them seen.
        if isResuming.exchange(true, ordering: .acquiringAndReleasing) { return true }
        return put(.resume)
    }

    /// To be called when a `resume` is read, before what it is about is looked at.
    func takeResume() { _ = isResuming.exchange(false, ordering: .acquiringAndReleasing) }

    /// Exchanges the letters for `letters`, an empty array whose memory is used on.
    func take(_ letters: inout [Letter]) {
        signal.clear()
        contents.withLock { contents in
            swap(&contents.letters, &letters)
            contents.byteCount = 0
        }
    }

    /// Takes no letters from now on; returns those never read.
    func close() -> [Letter] {
        contents.withLock { contents in
            contents.isClosed = true
            defer { contents.letters = [] }
            return contents.letters
        }
    }
}
