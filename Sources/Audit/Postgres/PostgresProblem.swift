/// Why PostgreSQL doesn't take records. Carries nothing that a server or a URL said: those may hold passwords and customers' data.
public enum PostgresProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// The connection string doesn't parse.
    case badConnectionString
    case hostUnknown
    case connectionRefused
    case authenticationFailed
    case databaseMissing
    /// Starting up, shutting down or recovering.
    case notAccepting
    case tooManyConnections
    case tlsFailed
    /// Another reason for which no connection could be made.
    case connectFailed
    /// No answer within so many milliseconds.
    case timedOut(milliseconds: Int)
    case connectionLost
    /// The server refused a statement with this SQLSTATE.
    case statementFailed(sqlState: String)
    /// The server answered something that can't follow what was sent.
    case unexpectedAnswer
    /// Tables of a later version than this program knows.
    case schemaTooNew(version: Int, known: Int)
    /// A day's table is there, but detached from `assay_decisions`: nobody knows whether it is to stay away.
    case dayDetached(table: String)
    /// Somebody else moved this server's cursor: two servers write with one identity. This one has stopped shipping.
    case secondWriter(expected: UInt64, found: UInt64)
    /// The cursor doesn't belong to this journal's history: PostgreSQL has records that this journal hasn't. Shipping has stopped.
    case otherHistory(cursor: UInt64)
    /// The journal could not be read.
    case journalUnreadable
    /// The trail is being closed.
    case closing

    /// Trying again can't help and may harm.
    var isFinal: Bool {
        switch self {
        case .badConnectionString, .secondWriter, .otherHistory, .closing: true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .badConnectionString: "the connection string doesn't parse"
        case .hostUnknown: "the host's name doesn't resolve"
        case .connectionRefused: "the connection was refused"
        case .authenticationFailed: "the user or the password was refused"
        case .databaseMissing: "the database doesn't exist"
        case .notAccepting: "the server is starting up or shutting down"
        case .tooManyConnections: "the server has no connection left"
        case .tlsFailed: "TLS could not be agreed on"
        case .connectFailed: "no connection could be made"
        case .timedOut(let milliseconds): "no answer within \(milliseconds) ms"
        case .connectionLost: "the connection was lost"
        case .statementFailed(let sqlState): "a statement failed with SQLSTATE \(sqlState)"
        case .unexpectedAnswer: "the server's answer doesn't fit"
        case .schemaTooNew(let version, let known): "the tables have version \(version), this program knows \(known)"
        case .dayDetached(let table):
            "records of a day wait whose table \(table) is detached: drop it, rename it, or attach it again"
        case .secondWriter(let expected, let found):
            "another server ships with this identity: the cursor is at \(found) and should be at \(expected); shipping has stopped"
        case .otherHistory(let cursor):
            "the cursor \(cursor) belongs to another history of this journal; shipping has stopped"
        case .journalUnreadable: "the journal can't be read"
        case .closing: "the trail is being closed"
        }
    }

    /// What kind of failure libpq's text tells of; the text itself goes no further.
    init(connectMessage text: String) {
        let kinds: [(String, PostgresProblem)] = [
            ("could not translate host name", .hostUnknown), ("Connection refused", .connectionRefused),
            ("No such file or directory", .connectionRefused), ("authentication failed", .authenticationFailed),
            ("no password supplied", .authenticationFailed), ("no pg_hba.conf entry", .authenticationFailed),
            ("role \"", .authenticationFailed), ("database \"", .databaseMissing), ("starting up", .notAccepting),
            ("shutting down", .notAccepting), ("recovery mode", .notAccepting), ("not yet accepting", .notAccepting),
            ("too many", .tooManyConnections), ("remaining connection slots", .tooManyConnections), ("SSL", .tlsFailed),
            ("timeout", .connectFailed),
        ]
        self = kinds.first { text.contains($0.0) }?.1 ?? .connectFailed
    }
}

extension String {
    /// Whether `part` occurs in the text. (Foundation's `contains` is not wanted here.)
    fileprivate func contains(_ part: String) -> Bool {
        let part = Array(part.utf8)
        let text = Array(utf8)
        guard text.count >= part.count else { return false }
        return (0...text.count - part.count).contains { text[$0..<$0 + part.count].elementsEqual(part) }
    }
}
