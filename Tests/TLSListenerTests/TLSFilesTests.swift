import Glibc
import Platform
import Testing

@testable import TLSListener

@Suite struct TLSFilesTests {
    private static func write(_ text: String) throws -> String {
        let path = "/tmp/assay-tls-\(getpid())-\(UInt64.random(in: 0 ... .max)).pem"
        let descriptor = try File.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        let bytes = Array(text.utf8)
        #expect(Glibc.write(descriptor.rawValue, bytes, bytes.count) == bytes.count)
        return path
    }

    @Test func aMissingFileIsNamedWithItsPurpose() {
        let files = TLSFiles(certificatePath: "/nowhere/chain.pem", keyPath: "/nowhere/server.key")
        let error = #expect(throws: TLSError.self) { try files.makeContext() }
        #expect(error == .unreadable(.certificate, SystemError(operation: "open", path: "/nowhere/chain.pem", code: ENOENT)))
        #expect(error?.description.contains("/nowhere/chain.pem") == true)
    }

    @Test(arguments: ["", "nothing", "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"])
    func aFileWithoutACertificateIsMalformed(text: String) throws {
        let path = try Self.write(text)
        defer { unlink(path) }
        let error = #expect(throws: TLSError.self) { try TLSFiles(certificatePath: path, keyPath: path).makeContext() }
        #expect(error == .malformed(.certificate, path: path))
    }
}
