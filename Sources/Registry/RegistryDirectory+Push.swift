import Glibc
import ModelBundle
import Platform

extension RegistryDirectory {
    /// Admits the bundle file `file` and gives it the next version number under its own name.
    ///
    /// The version appears whole, by one rename, or not at all. With `alias`, that alias is moved to it in a second step; a crash in between
    /// leaves the version without the alias.
    /// - Parameters:
    ///   - name: when given, the name that the bundle must have.
    ///   - allowUnproven: take a bundle without golden rows.
    /// - Returns: the version, at least 1; numbers are never used again.
    @discardableResult
    public func push(
        file: String, name: String? = nil, alias: String? = nil, who: String, why: String, allowUnproven: Bool = false
    ) throws(RegistryError) -> UInt32 {
        let signature = try Signature(who: who, why: why)
        if let alias { try RegistryName.checkAlias(alias) }
        let bundle: Bundle
        do { bundle = try loader(file) } catch { throw .refused(path: file, error) }
        try RegistryName.checkBundle(bundle.name)
        if let name, name != bundle.name { throw .nameDiffers(path: file, expected: name, found: bundle.name) }
        guard allowUnproven || !bundle.isUnproven else { throw .unproven(path: file) }

        let directory = directory(of: bundle.name)
        let staged = try stage(bundle, in: directory)
        do throws(RegistryError) {
            return try withLock(bundle.name) { () throws(RegistryError) in
                try publish(bundle, staged: staged, sourceFile: File.name(of: file), alias: alias, signature)
            }
        } catch {
            // Best effort: what stays is removed as a leftover by a later push.
            try? File.removeTree(staged)
            throw error
        }
    }

    /// Copies the admitted bytes (not the file again, which may have changed meanwhile) to a directory that no reader looks at, on the
    /// registry's file system. The slow part of a push, done without the lock.
    private func stage(_ bundle: Bundle, in directory: String) throws(RegistryError) -> String {
        try system { () throws(SystemError) in
            let isNew = !File.isDirectory(directory)
            try File.createDirectory(directory)
            if isNew { try File.synchronizeDirectory(path) }
            let staged = try Self.makeStagingDirectory(in: directory)
            do throws(SystemError) {
                let descriptor = try File.open("\(staged)/bundle.assay", O_WRONLY | O_CREAT | O_EXCL)
                // Safety: the bundle's bytes are a sealed mapping that lives as long as `bundle`, which outlives the call.
                try unsafe File.write(descriptor, bundle.fileBytes)
                try Self.synchronize(descriptor, path: staged)
            } catch {
                try? File.removeTree(staged)
                throw error
            }
            return staged
        }
    }

    /// Gives what was staged its version number and its place, under the lock; the caller removes it when this throws.
    private func publish(
        _ bundle: Bundle, staged: String, sourceFile: String, alias: String?, _ signature: Signature
    ) throws(RegistryError) -> UInt32 {
        let name = bundle.name
        removeLeftovers(in: directory(of: name), except: staged)
        var record = try record(of: name)
        let highest = max(record.highestVersion, try versions(of: name).first ?? 0)
        guard highest < UInt32.max else { throw .versionsExhausted(bundle: name) }
        let version = highest + 1
        record.highestVersion = version
        if let alias {
            try checkAliasCount(record, alias, bundle: name)
            record.move(alias, to: version, .set, by: signature, at: now())
        }
        let manifest = VersionManifest(
            bundle: name, version: version, digest: bundle.digest, byteCount: bundle.byteCount, who: signature.who, when: now(),
            why: signature.why, isUnproven: bundle.isUnproven, sourceFile: sourceFile)
        try system { () throws(SystemError) in
            try File.writeAtomically(manifest.json.serializedBytes(pretty: true), to: "\(staged)/manifest.json")
            // Refuses a directory that has something in it, should anybody without the lock have made one.
            try File.rename(staged, directory(of: name, version))
            try File.synchronizeDirectory(directory(of: name))
        }
        try write(record, of: name)
        return version
    }

    /// Removes what pushes that died long ago have left. Runs under the lock; failures are left to the next push.
    private func removeLeftovers(in directory: String, except staged: String) {
        guard let names = try? File.list(directory) else { return }
        let limit = now().unixMicroseconds - RegistryLimits.leftoverAgeNanoseconds / 1000
        for name in names where name.hasPrefix(Self.stagingPrefix) || name.hasSuffix(".tmp") {
            let path = "\(directory)/\(name)"
            guard path != staged, let identity = FileIdentity(path), identity.modified / 1000 < limit else { continue }
            try? File.removeTree(path)
        }
    }

    private static var stagingPrefix: String { ".push-" }

    /// Makes a directory of a name that nothing else has.
    private static func makeStagingDirectory(in directory: String) throws(SystemError) -> String {
        var template = Array("\(directory)/\(stagingPrefix)XXXXXX".utf8CString)
        // Safety: mkdtemp changes the six last characters of this NUL-terminated array, in place.
        guard unsafe mkdtemp(&template) != nil else {
            throw SystemError(operation: "mkdtemp", path: directory, code: errno)
        }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        // mkdtemp shuts everybody else out; a server may run as another user than the one who pushes.
        guard unsafe chmod(path, 0o755) == 0 else { throw SystemError(operation: "chmod", path: path, code: errno) }
        return path
    }

    private static func synchronize(_ descriptor: borrowing FileDescriptor, path: String) throws(SystemError) {
        guard fsync(descriptor.rawValue) == 0 else { throw SystemError(operation: "fsync", path: path, code: errno) }
    }
}
