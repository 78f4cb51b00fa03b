import Platform

/// The state of one bundle's aliases together with the moves that led to it: the contents of NAME/aliases.json. A value: operations
/// return the new record, the directory writes it.
struct AliasRecord: Sendable, Equatable {
    /// The highest version number ever given, so that a number is not used again when its directory was deleted.
    var highestVersion: UInt32 = 0
    private(set) var aliases: [String: UInt32] = [:]
    /// The aliases before `moves`; not empty when older moves are in archives.
    private(set) var aliasesBefore: [String: UInt32] = [:]
    private(set) var moves: [AliasMove] = []
    /// The number of `moves.first`, or of the first move to come.
    private(set) var firstMove: UInt64 = 1

    var nextMove: UInt64 { firstMove + UInt64(moves.count) }

    /// Moves `alias` to `version` and writes that down.
    mutating func move(_ alias: String, to version: UInt32, _ kind: AliasMove.Kind, by signature: Signature, at time: Timestamp) {
        moves.append(
            AliasMove(
                number: nextMove, kind: kind, alias: alias, from: aliases[alias] ?? 0, to: version, who: signature.who,
                when: time,
                why: signature.why))
        aliases[alias] = version
    }

    /// Takes the older half of the moves out when there are too many; they go to an archive before this record is written.
    mutating func splitOffArchive() -> AliasArchive? {
        guard moves.count > RegistryLimits.recentMoveCountMax else { return nil }
        let count = moves.count / 2
        let archive = AliasArchive(aliasesBefore: aliasesBefore, firstMove: firstMove, moves: Array(moves[..<count]))
        for move in archive.moves { aliasesBefore[move.alias] = move.to }
        moves.removeFirst(count)
        firstMove += UInt64(count)
        return archive
    }
}

extension AliasRecord {
    func json(bundle: String) -> JSON {
        JSON.object([
            "format": 1,
            "bundle": .string(bundle),
            "highest_version": JSON(highestVersion),
            "aliases": Self.json(aliases),
            "aliases_before": Self.json(aliasesBefore),
            "first_move": JSON(firstMove),
            "moves": .array(moves.map(\.json)),
        ])
    }

    static func json(_ aliases: [String: UInt32]) -> JSON {
        .object(aliases.sorted { $0.key < $1.key }.map { JSONMember(key: $0.key, value: JSON($0.value)) })
    }

    /// Reads `path` and checks that alias and history agree; nil when there is no such file.
    static func read(_ path: String, bundle: String) throws(RegistryError) -> AliasRecord? {
        let file: MetadataFile
        do throws(RegistryError) { file = try MetadataFile.read(path) } catch {
            if case .damaged(_, .missing) = error { return nil }
            throw error
        }
        guard try file.string("bundle") == bundle else { throw .damaged(path: path, .belongsElsewhere) }
        let history = try AliasArchive(file)
        let record = AliasRecord(
            highestVersion: try file.version("highest_version"), aliases: try file.aliases("aliases"),
            aliasesBefore: history.aliasesBefore, moves: history.moves, firstMove: history.firstMove)
        let replayed = try history.replayed(path: path)
        for alias in Set(replayed.keys).union(record.aliases.keys).sorted() where replayed[alias] != record.aliases[alias] {
            throw .damaged(path: path, .aliasContradictsHistory(alias: alias))
        }
        return record
    }
}

/// A run of moves and the state that it starts from: a part of aliases.json, and the whole of an archive (NAME/moves-FIRST.json).
struct AliasArchive: Sendable, Equatable {
    let aliasesBefore: [String: UInt32]
    let firstMove: UInt64
    let moves: [AliasMove]

    func json(bundle: String) -> JSON {
        JSON.object([
            "format": 1,
            "bundle": .string(bundle),
            "aliases_before": AliasRecord.json(aliasesBefore),
            "first_move": JSON(firstMove),
            "moves": .array(moves.map(\.json)),
        ])
    }

    /// Reads the archive of moves that starts with `firstMove`, and checks it.
    static func read(_ path: String, bundle: String, firstMove: UInt64) throws(RegistryError) -> AliasArchive {
        let file = try MetadataFile.read(path)
        guard try file.string("bundle") == bundle else { throw .damaged(path: path, .belongsElsewhere) }
        let archive = try AliasArchive(file)
        guard archive.firstMove == firstMove, !archive.moves.isEmpty else { throw file.damage("first_move") }
        _ = try archive.replayed(path: path)
        return archive
    }

    /// The aliases after all moves.
    func replayed(path: String) throws(RegistryError) -> [String: UInt32] {
        var aliases = aliasesBefore
        var number = firstMove
        for move in moves {
            guard move.number == number else { throw .damaged(path: path, .moveOutOfOrder(number: move.number)) }
            guard aliases[move.alias] ?? 0 == move.from else {
                throw .damaged(path: path, .moveContradictsHistory(number: move.number))
            }
            aliases[move.alias] = move.to
            number += 1
        }
        return aliases
    }
}

extension AliasArchive {
    fileprivate init(_ file: MetadataFile) throws(RegistryError) {
        aliasesBefore = try file.aliases("aliases_before")
        firstMove = try file.unsigned("first_move")
        guard firstMove > 0 else { throw file.damage("first_move") }
        var moves: [AliasMove] = []
        for element in try file.array("moves") { moves.append(try AliasMove(element)) }
        self.moves = moves
    }
}

extension AliasMove {
    fileprivate var json: JSON {
        JSON.object([
            "number": JSON(number),
            "kind": .string(kind.rawValue),
            "alias": .string(alias),
            "from": JSON(from),
            "to": JSON(to),
            "who": .string(who),
            "when": .string(when.description),
            "why": .string(why),
        ])
    }

    fileprivate init(_ file: MetadataFile) throws(RegistryError) {
        number = try file.unsigned("number")
        guard let kind = Kind(rawValue: try file.string("kind")) else { throw file.damage("kind") }
        self.kind = kind
        alias = try file.string("alias")
        guard RegistryName.isValid(alias) else { throw file.damage("alias") }
        from = try file.version("from")
        to = try file.version("to")
        guard to > 0 else { throw file.damage("to") }
        who = try file.string("who")
        when = try file.timestamp("when")
        why = try file.string("why")
    }
}
