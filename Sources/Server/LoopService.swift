import Audit
import Platform
import Reactor
import Session

/// Brings one event loop and its sessions together.
final class LoopService: ConnectionService {
    private let worker: ScoringWorker
    private let administration: ServerConfiguration.AdministrationPolicy
    private var sessions = SessionTable()
    /// The connection whose bytes are being answered: what `submit` needs to send the answer back.
    private let current: CurrentConnection
    /// Connections whose replies wait for the disk, each once.
    private var waiting: [ConnectionID] = []

    init(worker: ScoringWorker, current: CurrentConnection, administration: ServerConfiguration.AdministrationPolicy) {
        self.worker = worker
        self.current = current
        self.administration = administration
    }

    func accepted(_ id: ConnectionID, _ peer: PeerAddress) -> Bool {
        let mayAdminister =
            switch administration {
            case .all: true
            case .local: peer != .network
            case .none: false
            }
        sessions.insert(Session(mayAdminister: mayAdminister), at: Int(id.slot))
        return true
    }

    func received(
        _ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, waitingSince: UInt64, _ output: inout SendBuffer
    ) -> ReceiveResult {
        current.id = id
        let progress = sessions.with(Int(id.slot)) { session in
            let progress = unsafe session.receive(bytes, waitingSince: waitingSince, worker: worker, output: &output)
            if session.holdsReplies, !session.isListed { list(&session, id) }
            return progress
        }
        return ReceiveResult(consumed: progress.consumed, needed: progress.needed, close: progress.mustClose)
    }

    func posted(_ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, _ output: inout SendBuffer) {
        sessions.with(Int(id.slot)) { $0.controlDone() }
        unsafe output.append(bytes)
    }

    /// Those of whose replies some are on disk; all when none will be any more.
    func connectionsToResume() -> [ConnectionID] {
        guard let disk = worker.disk else { return [] }
        let durable = lookAtWaiting(disk)
        let hasFailed = disk.hasFailed
        var ready: [ConnectionID] = []
        waiting.removeAll { id in
            sessions.with(Int(id.slot)) { session in
                let isReady = hasFailed || session.lowestHeld(above: 0).map { $0 <= durable } ?? true
                if isReady {
                    session.isListed = false
                    ready.append(id)
                }
                return isReady
            }
        }
        return ready
    }

    /// Tells the journal what is still waited for beyond what is durable; returns how far that is.
    private func lookAtWaiting(_ disk: DiskWait) -> UInt64 {
        while true {
            let durable = disk.durableSequence
            var lowest: UInt64?
            for id in waiting {
                guard let own = sessions.with(Int(id.slot), { $0.lowestHeld(above: durable) }) else { continue }
                lowest = min(lowest ?? own, own)
            }
            worker.remainHeld(lowest: lowest)
            // A sync that ended just now may have found the old number, and told nobody of this one.
            guard let lowest, disk.durableSequence >= lowest else { return durable }
        }
    }

    func resumed(_ id: ConnectionID, _ output: inout SendBuffer) {
        sessions.with(Int(id.slot)) { session in
            session.releaseHeld(worker, &output)
            if session.holdsReplies { list(&session, id) }
        }
    }

    private func list(_ session: inout Session, _ id: ConnectionID) {
        session.isListed = true
        waiting.append(id)
    }

    func isIdle(_ id: ConnectionID) -> Bool {
        sessions.with(Int(id.slot)) { $0.isIdle }
    }

    func closed(_ id: ConnectionID, _ cause: CloseCause) {
        sessions.with(Int(id.slot)) { session in
            session.dropHeld(worker)
            if session.isListed { waiting.removeAll { $0 == id } }
        }
        sessions.remove(at: Int(id.slot))
    }
}

/// Which connection a loop is answering; touched by its thread alone.
final class CurrentConnection {
    var id = ConnectionID(loop: 0, slot: 0, generation: 0)
}
