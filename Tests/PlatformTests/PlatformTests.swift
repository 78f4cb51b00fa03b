import Foundation
import Testing

@testable import Platform

/// A directory of its own for one test, removed at the end.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/assay-test-XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit {
        try? File.removeTree(path)
    }
}

@Suite struct FileTests {
    @Test func writtenBytesComeBackAndLeaveNoTemporaryFile() throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/a"
        try File.writeAtomically([1, 2, 3], to: path)
        try File.writeAtomically([UInt8](repeating: 7, count: 100_000), to: path)
        #expect(try File.read(path) == [UInt8](repeating: 7, count: 100_000))
        #expect(try File.list(directory.path) == ["a"])
        #expect(try File.byteCount(path) == 100_000)
    }

    @Test func failuresNameOperationPathAndCause() {
        #expect(throws: SystemError(operation: "open", path: "/nonexistent/x", code: ENOENT)) { try File.read("/nonexistent/x") }
        #expect(throws: SystemError(operation: "read", path: "/", code: EISDIR)) { try File.read("/") }
        #expect(throws: SystemError(operation: "mkdir", path: "/proc/x", code: ENOENT)) { try File.createDirectory("/proc/x") }
        #expect(SystemError(operation: "open", path: "/x", code: ENOENT).description == "open /x: No such file or directory")
    }

    @Test func fileBeyondTheLimitIsNotRead() throws {
        let directory = TemporaryDirectory()
        try File.writeAtomically([UInt8](repeating: 0, count: 11), to: directory.path + "/a")
        #expect(throws: SystemError(operation: "read", path: directory.path + "/a", code: EFBIG)) {
            try File.read(directory.path + "/a", byteCountMax: 10)
        }
        #expect(try File.read(directory.path + "/a", byteCountMax: 11).count == 11)
    }

    @Test func directoriesAreMadeAndRemovedWithAllInside() throws {
        let directory = TemporaryDirectory()
        try File.createDirectory(directory.path + "/a/b/c")
        try File.createDirectory(directory.path + "/a/b/c")
        try File.writeAtomically([], to: directory.path + "/a/b/file")
        try File.removeTree(directory.path + "/a")
        try File.removeTree(directory.path + "/a")
        #expect(!File.exists(directory.path + "/a"))
    }

    @Test func removingATreeNeverFollowsALink() throws {
        let directory = TemporaryDirectory()
        try File.createDirectory(directory.path + "/kept")
        try File.writeAtomically([1], to: directory.path + "/kept/file")
        try File.createDirectory(directory.path + "/tree")
        #expect(symlink(directory.path + "/kept", directory.path + "/tree/link") == 0)
        #expect(symlink("/nowhere", directory.path + "/tree/dangling") == 0)
        try File.removeTree(directory.path + "/tree")
        #expect(try File.list(directory.path) == ["kept"])
        #expect(File.exists(directory.path + "/kept/file"))
    }

    @Test func pathsComeApart() {
        #expect(File.directory(of: "/a/b") == "/a")
        #expect(File.directory(of: "/a") == "/")
        #expect(File.directory(of: "a") == ".")
        #expect(File.name(of: "/a/b") == "b")
        #expect(File.name(of: "b") == "b")
    }
}

@Suite struct DigestTests {
    @Test func sha256MatchesItsTestVectors() throws {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let digest = SHA256Hasher.hash(Array("abc".utf8))
        #expect(digest.hex == expected)
        #expect(SHA256Digest(hex: expected) == digest)
        #expect(SHA256Digest(bytes: digest.bytes) == digest)
        #expect(SHA256Digest(hex: String(expected.dropLast())) == nil)
        #expect(SHA256Digest(hex: String(expected.dropLast()) + "g") == nil)
        var pieces = SHA256Hasher()
        for byte in "abc".utf8 { pieces.update([byte]) }
        #expect(pieces.finalize() == digest)
    }

    @Test func crc32cMatchesItsCheckValue() {
        let bytes = Array("123456789".utf8)
        bytes.withUnsafeBytes { all in
            #expect(crc32c(all) == 0xe306_9283)
            for cut in 0...9 {
                let first = crc32c(UnsafeRawBufferPointer(rebasing: all[..<cut]))
                #expect(crc32c(UnsafeRawBufferPointer(rebasing: all[cut...]), seed: first) == 0xe306_9283)
            }
        }
    }

    /// Of each beginning of `bytes`, from the empty one on: the definition, bit by bit.
    private func plainCRC32Cs(_ bytes: ArraySlice<UInt8>) -> [UInt32] {
        var state = UInt32.max
        return [0]
            + bytes.map { byte in
                state ^= UInt32(byte)
                for _ in 0..<8 { state = state & 1 == 1 ? state >> 1 ^ 0x82f6_3b78 : state >> 1 }
                return ~state
            }
    }

    @Test func crc32cOfEveryLengthIsWhatItsDefinitionSays() {
        var state: UInt64 = 7
        let bytes = (0..<7_000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 56)
        }
        bytes.withUnsafeBytes { all in
            for start in [0, 1, 7] {
                for (count, expected) in plainCRC32Cs(bytes[start...]).enumerated() {
                    let sum = crc32c(UnsafeRawBufferPointer(rebasing: all[start..<start + count]))
                    #expect(sum == expected, "\(count) bytes from \(start) on")
                }
            }
        }
    }
}

@Suite struct MappedMemoryTests {
    @Test func sealedCopyKeepsItsBytesWhenTheFileIsTruncated() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/a"
        let bytes = [UInt8]((0..<100_000).map { UInt8(truncatingIfNeeded: $0) })
        try File.writeAtomically(bytes, to: path)
        let memory = try MappedMemory.sealedCopy(ofFile: path, byteCountMax: 100_000)
        #expect(truncate(path, 0) == 0)
        #expect([UInt8](memory.bytes) == bytes)
    }

    @Test func emptyMissingAndOversizedFilesAreRefused() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/a"
        try File.writeAtomically([], to: path)
        #expect(throws: SystemError(operation: "map", path: path, code: ENODATA)) {
            try MappedMemory.sealedCopy(ofFile: path, byteCountMax: 10)
        }
        try File.writeAtomically([1, 2], to: path)
        #expect(throws: SystemError(operation: "map", path: path, code: EFBIG)) {
            try MappedMemory.sealedCopy(ofFile: path, byteCountMax: 1)
        }
        #expect(throws: SystemError(operation: "open", path: path + "x", code: ENOENT)) {
            try MappedMemory.sealedCopy(ofFile: path + "x", byteCountMax: 1)
        }
    }

    @Test func sharedMappingIsSeenByASecondOne() throws {
        let directory = TemporaryDirectory()
        let first = try MappedMemory.shared(path: directory.path + "/a", byteCount: 8192)
        let second = try MappedMemory.shared(path: directory.path + "/a", byteCount: 8192)
        first.base.storeBytes(of: 0xfeed, toByteOffset: 4096, as: UInt32.self)
        #expect(second.base.load(fromByteOffset: 4096, as: UInt32.self) == 0xfeed)
    }
}

@Suite struct ThreadTests {
    @Test func signalWakesAndIsNotLost() throws {
        let signal = try EventSignal()
        signal.signal()
        signal.signal()
        signal.wait(milliseconds: -1)
        let before = Clock.monotonicNanoseconds()
        signal.wait(milliseconds: 0)
        #expect(Clock.monotonicNanoseconds() >= before)
    }

    @Test func threadRunsItsBodyOnceAndJoins() throws {
        let done = try EventSignal()
        let thread = WorkerThread(name: "a name that is longer than fifteen", processor: 0) { done.signal() }
        thread.join()
        thread.join()
        done.wait(milliseconds: -1)
    }
}
