import ModelBundle
import Platform

/// What is served at one moment: every bundle held, and which version each alias stands for. Immutable; published as a whole.
public final class RegistrySnapshot: Sendable {
    /// Sorted by name, then the newest version first.
    public let entries: [PublishedBundle]
    /// Served version by bundle and alias.
    public let aliases: [String: [String: UInt32]]
    /// What is in the registry and is not served as it is written there.
    public let problems: [RegistryProblem]
    /// Number of the publication, from 1; 0 is the empty snapshot before the first.
    public let generation: UInt64
    private let table: LookupTable

    /// - Parameters:
    ///   - entries: in any order; each name and version once.
    ///   - aliases: served version by bundle and alias; each must be among the entries.
    public init(
        entries: [PublishedBundle], aliases: [String: [String: UInt32]], problems: [RegistryProblem] = [], generation: UInt64
    ) {
        let sorted = entries.sorted { ($0.name, $1.version) < ($1.name, $0.version) }
        self.entries = sorted
        self.aliases = aliases
        self.problems = problems
        self.generation = generation
        table = LookupTable(sorted, aliases)
    }

    /// A snapshot with nothing in it.
    public static var empty: RegistrySnapshot { RegistrySnapshot(entries: [], aliases: [:], generation: 0) }

    /// Finds the version that a request asks for. Allocates nothing, counts no reference.
    /// - Parameters:
    ///   - name: the bundle's name as it came; any bytes.
    ///   - alias: empty for `champion`.
    ///   - version: wins over the alias unless 0.
    @inline(__always)
    public func find(name: UnsafeRawBufferPointer, alias: UnsafeRawBufferPointer, version: UInt32) -> Lookup {
        unsafe table.find(name: name, alias: alias, version: version)
    }

    /// What a request needs of an entry, without the reference counting that `entries[index]` brings.
    @inline(__always)
    public func served(_ index: Int) -> ServedVersion {
        unsafe table.served(index)
    }
}

/// What `RegistrySnapshot.find` has found.
public enum Lookup: Equatable, Sendable {
    /// Index into `entries`, and for `served`.
    case found(index: Int)
    case unknownBundle
    case unknownAlias
    case unknownVersion
}

/// An entry of a snapshot for the hot path: plain bytes and addresses, valid as long as the snapshot, that is until the reader leaves it.
@unsafe public struct ServedVersion {
    public let bundle: Unmanaged<Bundle>
    public let name: UnsafeRawBufferPointer
    /// 32 bytes.
    public let digest: UnsafeRawBufferPointer
    public let version: UInt32
    public let isUnproven: Bool
}
