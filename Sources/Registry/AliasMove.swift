/// One move of an alias, as the history keeps it.
public struct AliasMove: Sendable, Equatable {
    public enum Kind: String, Sendable {
        /// Somebody named the new version.
        case set
        /// The last move that still stood was taken back.
        case rollback
    }

    /// Dense from 1 over all aliases of the bundle.
    public let number: UInt64
    public let kind: Kind
    public let alias: String
    /// The version before; 0: the alias is new.
    public let from: UInt32
    public let to: UInt32
    public let who: String
    public let when: Timestamp
    public let why: String
}

/// Looks for the versions that an alias had before, newest first, leaving out what was rolled back. The moves are given from the newest
/// to the oldest, so that old archives are read only when they are needed.
///
/// A rollback takes back the last move that still stands: it cancels itself and the nearest earlier standing `set`.
struct RollbackWalk {
    let alias: String
    private var rollbacksToMatch = 0

    init(alias: String) {
        self.alias = alias
    }

    /// Takes the next older move; returns the version to go back to when this is a move that still stands (0: there was none before).
    mutating func takeOlder(_ move: AliasMove) -> UInt32? {
        guard move.alias == alias else { return nil }
        switch move.kind {
        case .rollback:
            rollbacksToMatch += 1
            return nil
        case .set where rollbacksToMatch > 0:
            rollbacksToMatch -= 1
            return nil
        case .set:
            return move.from
        }
    }
}
