import Glibc
import Testing

@testable import Platform

@Suite struct KeyTests {
    static func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8).map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    @Test func base64ReadsWhatItWrites() {
        // RFC 4648, section 10.
        let vectors = [
            "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=", "foobar": "Zm9vYmFy",
        ]
        for (plain, text) in vectors {
            #expect(Base64.encode(Array(plain.utf8)) == text)
            #expect(Base64.decode(text) == Array(plain.utf8))
        }
        let all = (0...255).map { UInt8($0) }
        #expect(Base64.decode(Base64.encode(all)) == all)
        for bad in ["Zg", "Zg=", "Zh==", "Zm9=", "Zm9v!===", "====", "Z===", "Zm=v", "Zm9vé"] {
            #expect(Base64.decode(bad) == nil, "\(bad)")
        }
    }

    @Test func signaturesAreThoseOfRFC8032() throws {
        // Section 7.1, test 2.
        let key = try #require(
            Ed25519PrivateKey(seed: Self.bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")))
        #expect("\(key.publicKey)" == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        let signature = key.sign([0x72])
        let expected =
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        #expect(signature == Self.bytes(expected))
        #expect(key.publicKey.isSignature(signature, of: [0x72]))
        #expect(!key.publicKey.isSignature(signature, of: [0x73]))
        #expect(!key.publicKey.isSignature(Array(signature.dropLast()) + [1], of: [0x72]))
    }

    @Test func keyFilesAreThoseOfOpenSSL() throws {
        let directory = "/tmp/assay-key-test-\(getpid())"
        try File.createDirectory(directory)
        defer { try? File.removeTree(directory) }
        // Made by `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` (RFC 8410, section 10.3, has the same private key).
        let privatePEM = """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
            -----END PRIVATE KEY-----

            """
        let publicPEM = """
            -----BEGIN PUBLIC KEY-----
            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
            -----END PUBLIC KEY-----

            """
        try File.create(Array(privatePEM.utf8), at: "\(directory)/key", mode: 0o600)
        let key = try Ed25519PrivateKey(path: "\(directory)/key")
        #expect(key.pem == privatePEM && key.publicKey.pem == publicPEM)
        try File.create(Array(publicPEM.utf8), at: "\(directory)/key.pub")
        #expect(try Ed25519PublicKey(path: "\(directory)/key.pub") == key.publicKey)
        // A file made anew never replaces another.
        #expect(throws: SystemError(operation: "open", path: "\(directory)/key", code: EEXIST)) {
            try File.create([], at: "\(directory)/key")
        }
    }

    @Test func whatIsNoKeyIsRefused() throws {
        let directory = "/tmp/assay-key-refusal-\(getpid())"
        try File.createDirectory(directory)
        defer { try? File.removeTree(directory) }
        let path = "\(directory)/key"
        let pem = Array(Ed25519PrivateKey().pem.utf8)
        let damaged = pem.indices.dropFirst(28).dropLast(27).filter { $0 % 7 == 0 }.map { index in
            var bytes = pem
            bytes[index] = UInt8(ascii: "!")
            return bytes
        }
        for bad in [[], Array("x".utf8), Array(pem.dropLast(40)), Array(Ed25519PrivateKey().publicKey.pem.utf8)] + damaged {
            try? File.remove(path)
            try File.create(bad, at: path, mode: 0o600)
            #expect(throws: KeyFileError.notAKey(path: path, expected: "an Ed25519 private key in PEM (PKCS #8)")) {
                try Ed25519PrivateKey(path: path)
            }
        }
        try File.remove(path)
        try File.create(pem, at: path, mode: 0o604)
        #expect(throws: KeyFileError.exposed(path: path, mode: 0o604)) { try Ed25519PrivateKey(path: path) }
        try File.remove(path)
        #expect(throws: KeyFileError.system(SystemError(operation: "stat", path: path, code: ENOENT))) {
            try Ed25519PrivateKey(path: path)
        }
    }
}
