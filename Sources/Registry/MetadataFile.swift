import Glibc
import Platform

/// A JSON object in a file of the registry; every way in which it can be wrong is an error that names the file and the field.
/// Fields that this version does not know are skipped, so that a later one may add some.
struct MetadataFile {
    let path: String
    let json: JSON

    /// Reads a whole file and checks that it is an object of format 1.
    static func read(_ path: String) throws(RegistryError) -> MetadataFile {
        let bytes: [UInt8]
        do {
            bytes = try File.read(path, byteCountMax: RegistryLimits.metadataByteCountMax)
        } catch {
            switch error.code {
            case ENOENT: throw .damaged(path: path, .missing)
            case EFBIG: throw .damaged(path: path, .tooLong(limit: RegistryLimits.metadataByteCountMax))
            default: throw .system(error)
            }
        }
        let file: MetadataFile
        do { file = MetadataFile(path: path, json: try JSON.parse(bytes)) } catch {
            throw .damaged(path: path, .notJSON(error))
        }
        guard let format = file.json["format"]?.integer else { throw file.damage("format") }
        guard format == 1 else { throw .damaged(path: path, .unknownFormat(format)) }
        return file
    }

    func damage(_ field: String) -> RegistryError { .damaged(path: path, .field(field)) }

    /// The same file seen from a member of one of its arrays.
    func element(_ json: JSON) -> MetadataFile { MetadataFile(path: path, json: json) }

    func string(_ field: String) throws(RegistryError) -> String {
        guard let value = json[field]?.string else { throw damage(field) }
        return value
    }

    func bool(_ field: String) throws(RegistryError) -> Bool {
        guard let value = json[field]?.bool else { throw damage(field) }
        return value
    }

    func unsigned(_ field: String) throws(RegistryError) -> UInt64 {
        guard let value = json[field]?.integer, value >= 0 else { throw damage(field) }
        return UInt64(value)
    }

    func version(_ field: String) throws(RegistryError) -> UInt32 {
        guard let version = UInt32(exactly: try unsigned(field)) else { throw damage(field) }
        return version
    }

    func timestamp(_ field: String) throws(RegistryError) -> Timestamp {
        guard let value = Timestamp(try string(field)) else { throw damage(field) }
        return value
    }

    func array(_ field: String) throws(RegistryError) -> [MetadataFile] {
        guard let values = json[field]?.array else { throw damage(field) }
        return values.map(element)
    }

    /// An object of aliases and versions.
    func aliases(_ field: String) throws(RegistryError) -> [String: UInt32] {
        guard case .object(let members)? = json[field] else { throw damage(field) }
        var aliases: [String: UInt32] = [:]
        let object = element(.object(members))
        for member in members {
            guard RegistryName.isValid(member.key), aliases[member.key] == nil else { throw damage(field) }
            let version = try object.version(member.key)
            guard version > 0 else { throw damage(field) }
            aliases[member.key] = version
        }
        return aliases
    }
}
