import Platform
import Registry

// How the registry's values are printed.
extension AliasChange {
    func print(bundle: String, alias: String, json: Bool) {
        if json {
            Output.json(
                JSON.object([
                    "bundle": .string(bundle), "alias": .string(alias), "previous_version": JSON(previousVersion),
                    "version": JSON(version),
                ]))
        } else {
            let previous = previousVersion == 0 ? "new" : String(previousVersion)
            Output.line("\(bundle) \(alias) \(previous) -> \(version)")
        }
    }
}

extension AliasMove {
    func json(isUnproven: Bool) -> JSON {
        JSON.object([
            "move": JSON(number), "when": .string(when.description), "alias": .string(alias), "from": JSON(from), "to": JSON(to),
            "unproven": .bool(isUnproven), "kind": .string(kind.rawValue), "who": .string(who), "why": .string(why),
        ])
    }
}

extension ListedBundle {
    var json: JSON {
        JSON.object([
            "name": .string(name),
            "aliases": .object(aliases.sorted { $0.key < $1.key }.map { ($0.key, JSON($0.value)) }),
            "error": error.map { .string($0.description) } ?? .null,
            "versions": .array(versions.map(\.json)),
        ])
    }

    /// One line for everything that a server would not serve.
    var refusals: [String] {
        let own = error.map { ["\(name): \($0)"] } ?? []
        return own + versions.compactMap { version in version.refused.map { "\(name) \(version.version) is refused: \($0)" } }
    }

    var rows: [[String]] {
        versions.map { version in
            let manifest = version.manifest
            let state = version.refused != nil ? "refused" : manifest?.isUnproven == true ? "unproven" : "admitted"
            return [
                name, String(version.version), version.aliases.isEmpty ? "-" : version.aliases.joined(separator: ","), state,
                manifest?.when.description ?? "-", manifest?.who ?? "-", manifest.map { String($0.digest.hex.prefix(12)) } ?? "-",
            ]
        }
    }
}

extension ListedVersion {
    var json: JSON {
        let versionMembers: [(String, JSON)] = [
            ("version", JSON(version)), ("aliases", .array(aliases.map { .string($0) })),
            ("refused", refused.map { .string($0.description) } ?? .null),
        ]
        return .object(versionMembers + (manifest?.members ?? []))
    }
}

extension VersionManifest {
    var members: [(String, JSON)] {
        [
            ("digest", .string(digest.hex)), ("bytes", JSON(byteCount)), ("who", .string(who)),
            ("when", .string(when.description)),
            ("why", .string(why)), ("source_file", .string(sourceFile)), ("unproven", .bool(isUnproven)),
        ]
    }
}
