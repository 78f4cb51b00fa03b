import Platform

/// Names and numbers of a key store's directory.
///
///     secret               who the store is, and the secret under which subjects are hashed
///     00000.keys …         the keys
///     lock                 locked while a server has the store open
///     erase.lock           locked while a key is erased
///     erasures.jsonl       what was erased, when, by whom and why
enum KeyStore {
    /// Numbers of the key files, ascending.
    static func fileNumbers(_ directory: String) throws(PrivacyError) -> [Int] {
        do throws(SystemError) {
            return try File.list(directory).compactMap { name in
                guard name.hasSuffix(".keys"), name.utf8.count == 10 else { return nil }
                return Int(name.dropLast(5))
            }.sorted()
        } catch {
            throw .system(error)
        }
    }

    static func number(file: Int, index: Int) -> UInt64 { UInt64(file * PrivacyLimits.slotCountPerFile + index) }

    static func place(_ number: UInt64) -> (file: Int, index: Int) {
        let count = UInt64(PrivacyLimits.slotCountPerFile)
        return (Int(number / count), Int(number % count))
    }
}
