/// The names of a simulated disk, twice as well: as processes see them, and as the medium has them for certain.
struct SimulatedNamespace {
    private enum Action {
        case link(String, SimulatedInode)
        case rename(from: String, to: String, SimulatedInode)
        case unlink(String, SimulatedInode)
        case makeDirectory(String)
    }

    /// A change is durable when all directories that it touches were synced after it.
    private struct Change {
        let action: Action
        var unsynced: Set<String>
    }

    private(set) var files: [String: SimulatedInode] = [:]
    private(set) var directories: Set<String> = [""]
    private var durableFiles: [String: SimulatedInode] = [:]
    private var durableDirectories: Set<String> = [""]
    private var pending: [Change] = []

    static func directory(of name: String) -> String { name.lastIndex(of: "/").map { String(name[..<$0]) } ?? "" }

    mutating func link(_ name: String, _ inode: SimulatedInode) {
        files[name] = inode
        note(.link(name, inode), name)
    }

    mutating func rename(_ from: String, _ to: String) {
        guard let inode = files.removeValue(forKey: from) else { return }
        files[to] = inode
        note(.rename(from: from, to: to, inode), from, to)
    }

    mutating func unlink(_ name: String) {
        guard let inode = files.removeValue(forKey: name) else { return }
        note(.unlink(name, inode), name)
    }

    mutating func makeDirectory(_ name: String) {
        if directories.insert(name).inserted { note(.makeDirectory(name), name) }
    }

    func list(_ directory: String) -> [String] {
        let inside =
            files.keys.filter { Self.directory(of: $0) == directory }
            + directories.filter { !$0.isEmpty && Self.directory(of: $0) == directory }
        return inside.map { String($0.dropFirst(directory.isEmpty ? 0 : directory.count + 1)) }.sorted()
    }

    mutating func synchronize(_ directory: String) {
        var left: [Change] = []
        for var change in pending {
            change.unsynced.remove(directory)
            if change.unsynced.isEmpty { apply(change.action) } else { left.append(change) }
        }
        pending = left
    }

    mutating func cutPower(_ luck: PowerCutLuck, _ generator: inout SeededGenerator) {
        for change in pending {
            switch luck {
            case .nothing: break
            case .everything: apply(change.action)
            case .inOrder:
                guard Int.random(in: 0..<4, using: &generator) > 0 else { return settle() }
                apply(change.action)
            case .anyOrder: if Bool.random(using: &generator) { apply(change.action) }
            }
        }
        settle()
    }

    private mutating func settle() {
        pending = []
        // A file in a directory that isn't there isn't there.
        durableFiles = durableFiles.filter { durableDirectories.contains(Self.directory(of: $0.key)) }
        files = durableFiles
        directories = durableDirectories
    }

    private mutating func note(_ action: Action, _ names: String...) {
        pending.append(Change(action: action, unsynced: Set(names.map(Self.directory(of:)))))
    }

    private mutating func apply(_ action: Action) {
        switch action {
        case .link(let name, let inode): durableFiles[name] = inode
        case .rename(let from, let to, let inode):
            if durableFiles[from] === inode { durableFiles[from] = nil }
            durableFiles[to] = inode
        case .unlink(let name, let inode): if durableFiles[name] === inode { durableFiles[name] = nil }
        case .makeDirectory(let name): durableDirectories.insert(name)
        }
    }
}
