import ModelBundle
import Platform

/// Where an alias was and where it is now.
public struct AliasChange: Sendable, Equatable {
    /// 0: the alias is new.
    public let previousVersion: UInt32
    public let version: UInt32
}

extension RegistryDirectory {
    /// Moves `alias` to `version`, which must be on disk and admitted. Nothing is written when it is there already.
    @discardableResult
    public func setAlias(
        _ name: String, alias: String, version: UInt32, who: String, why: String
    ) throws(RegistryError) -> AliasChange {
        try setAlias(name, alias: alias, version: version, who: who, why: why) { version throws(RegistryError) in
            _ = try admit(name, version: version)
        }
    }

    /// Moves `alias` back to the version it had before the last move that still stands (that was not itself rolled back). Rolling back
    /// again walks further back. The version must still be on disk and admitted.
    @discardableResult
    public func rollback(
        _ name: String, alias: String = "champion", who: String, why: String
    ) throws(RegistryError) -> AliasChange {
        try rollback(name, alias: alias, who: who, why: why) { version throws(RegistryError) in
            _ = try admit(name, version: version)
        }
    }

    /// All moves of all aliases of a bundle, the oldest first.
    public func history(_ name: String) throws(RegistryError) -> [AliasMove] {
        var moves: [AliasMove] = []
        try visitMoves(of: name, try record(of: name)) { move in
            moves.append(move)
            return true
        }
        return moves.reversed()
    }
}

extension RegistryDirectory {
    /// `verify` throws when the version can't be served; a server passes a check that knows what it already holds.
    func setAlias(
        _ name: String, alias: String, version: UInt32, who: String, why: String, verify: (UInt32) throws(RegistryError) -> Void
    ) throws(RegistryError) -> AliasChange {
        let signature = try Signature(who: who, why: why)
        try RegistryName.checkAlias(alias)
        try checkVersion(name, version)
        // Outside the lock, for admission takes its time; versions don't change.
        try verify(version)
        return try withLock(name) { () throws(RegistryError) in
            var record = try record(of: name)
            try checkAliasCount(record, alias, bundle: name)
            let previous = record.aliases[alias] ?? 0
            if previous != version {
                record.move(alias, to: version, .set, by: signature, at: now())
                try write(record, of: name)
            }
            return AliasChange(previousVersion: previous, version: version)
        }
    }

    func rollback(
        _ name: String, alias: String, who: String, why: String, verify: (UInt32) throws(RegistryError) -> Void
    ) throws(RegistryError) -> AliasChange {
        let signature = try Signature(who: who, why: why)
        try RegistryName.checkAlias(alias)
        guard File.isDirectory(directory(of: name)) else { throw .unknownBundle(name) }
        // The lock is held over the admission: the target depends on the history, which must not move on meanwhile.
        return try withLock(name) { () throws(RegistryError) in
            var record = try record(of: name)
            guard let previous = record.aliases[alias] else { throw .unknownAlias(bundle: name, alias: alias) }
            guard let target = try standingVersions(name, alias: alias, record, limit: 1).first else {
                throw .nothingToRollBackTo(bundle: name, alias: alias)
            }
            try checkVersion(name, target)
            try verify(target)
            record.move(alias, to: target, .rollback, by: signature, at: now())
            try write(record, of: name)
            return AliasChange(previousVersion: previous, version: target)
        }
    }

    /// The versions that repeated rollbacks of `alias` would lead to, in their order, at most `limit`.
    func standingVersions(_ name: String, alias: String, _ record: AliasRecord, limit: Int) throws(RegistryError) -> [UInt32] {
        var walk = RollbackWalk(alias: alias)
        var versions: [UInt32] = []
        try visitMoves(of: name, record) { move in
            guard let version = walk.takeOlder(move) else { return true }
            // From 0 the alias came into being: there is nothing before.
            guard version != 0 else { return false }
            versions.append(version)
            return versions.count < limit
        }
        return versions
    }

    /// Passes the moves from the newest to the oldest until `visit` returns false; archives are read when it comes to them.
    private func visitMoves(of name: String, _ record: AliasRecord, _ visit: (AliasMove) -> Bool) throws(RegistryError) {
        for move in record.moves.reversed() { guard visit(move) else { return } }
        var firstMove = record.firstMove
        var archives = firstMove > 1 ? try archiveStarts(of: name) : []
        while firstMove > 1 {
            // Archives that aliases.json does not lack are what a crash left; they are passed over.
            guard let start = archives.popLast() else {
                throw .damaged(path: aliasesPath(name), .archiveMissing(firstMove: firstMove))
            }
            guard start < firstMove else { continue }
            let archive = try AliasArchive.read(archivePath(name, firstMove: start), bundle: name, firstMove: start)
            guard archive.firstMove + UInt64(archive.moves.count) == firstMove else {
                throw .damaged(path: aliasesPath(name), .archiveMissing(firstMove: firstMove))
            }
            for move in archive.moves.reversed() { guard visit(move) else { return } }
            firstMove = start
        }
    }

    /// Numbers of the first moves of the archives on disk, ascending.
    private func archiveStarts(of name: String) throws(RegistryError) -> [UInt64] {
        let names = try system { () throws(SystemError) in try File.list(directory(of: name)) }
        return names.compactMap { file in
            guard file.hasPrefix("moves-"), file.hasSuffix(".json") else { return nil }
            return UInt64(file.dropFirst(6).dropLast(5))
        }.sorted()
    }

    private func checkVersion(_ name: String, _ version: UInt32) throws(RegistryError) {
        try RegistryName.checkBundle(name)
        guard File.isDirectory(directory(of: name)) else { throw .unknownBundle(name) }
        guard version > 0, File.isDirectory(directory(of: name, version)) else {
            throw .unknownVersion(bundle: name, version: version)
        }
    }

    func checkAliasCount(_ record: AliasRecord, _ alias: String, bundle name: String) throws(RegistryError) {
        guard record.aliases[alias] != nil || record.aliases.count < RegistryLimits.aliasCountMax else {
            throw .aliasLimit(bundle: name, limit: RegistryLimits.aliasCountMax)
        }
    }
}
