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

    func received(_ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, _ output: inout SendBuffer) -> ReceiveResult {
        current.id = id
        let progress = sessions.with(Int(id.slot)) { session in
            unsafe session.receive(bytes, worker: worker, output: &output)
        }
        return ReceiveResult(consumed: progress.consumed, needed: progress.needed, close: progress.mustClose)
    }

    func posted(_ id: ConnectionID, _ bytes: UnsafeRawBufferPointer, _ output: inout SendBuffer) {
        sessions.with(Int(id.slot)) { $0.controlDone() }
        unsafe output.append(bytes)
    }

    func isIdle(_ id: ConnectionID) -> Bool {
        sessions.with(Int(id.slot)) { $0.isIdle }
    }

    func closed(_ id: ConnectionID, _ cause: CloseCause) {
        sessions.remove(at: Int(id.slot))
    }
}

/// Which connection a loop is answering; touched by its thread alone.
final class CurrentConnection {
    var id = ConnectionID(loop: 0, slot: 0, generation: 0)
}
