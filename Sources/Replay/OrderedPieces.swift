import Glibc
import Synchronization

/// Brings pieces that several threads finish in any order into their own order.
final class OrderedPieces: Sendable {
    /// How far a piece may be ahead of the one that is waited for.
    private static let aheadCountMax = 64

    private struct State {
        var next = 0
        var waiting: [Int: [UInt8]] = [:]
    }

    private let state = Mutex(State())
    private let sink: @Sendable ([UInt8]) -> Void

    init(_ sink: @escaping @Sendable ([UInt8]) -> Void) { self.sink = sink }

    /// Takes piece number `index`; every number comes once.
    func take(_ index: Int, _ bytes: [UInt8]) {
        // The thread with the piece that is next never waits here, so that the others don't wait for ever.
        while state.withLock({ index > $0.next + Self.aheadCountMax }) { usleep(1000) }
        state.withLock { state in
            state.waiting[index] = bytes
            while let piece = state.waiting.removeValue(forKey: state.next) {
                if !piece.isEmpty { sink(piece) }
                state.next += 1
            }
        }
    }
}
