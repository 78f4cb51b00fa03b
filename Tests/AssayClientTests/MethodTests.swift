import Platform
import TestServer
import Testing
import Wire

@testable import AssayClient

/// Each method sends its request and returns its result.
@Suite(.timeLimit(.minutes(5))) struct MethodTests {
    private func client(_ handler: @escaping TestServer.Handler) throws -> (TestServer, AssayClient) {
        let server = try TestServer { seen in
            guard case .hello(let hello) = seen.body else { return handler(seen) }
            var message = HelloMessage()
            message.serverVersion = "\(hello.clientName) \(hello.acceptsLZ4)"
            return [.reply(Reply(id: seen.id, body: .hello(message)))]
        }
        return (server, AssayClient(.unix(path: server.path)))
    }

    @Test func methodsReturnWhatTheServerSays() async throws {
        var model = ModelVersionMessage()
        model.bundle = "cards"
        model.version = 7
        var description = ModelDescription()
        description.model = model
        description.objective = "binary:logistic"
        var stats = StatsMessage()
        stats.requestsTotal = 99
        let health = HealthMessage(isReady: false, reasons: [.init(code: "DRAINING", text: "stopping", isBlocking: true)])
        var batch = ScoreBatchMessage()
        batch.scores = [0.5, 0.25]
        let (server, client) = try client { [model, description, stats, batch] seen in
            let body: ReplyBody
            switch seen.body {
            case .scoreBatch(let request) where request.rowCount == 2 && request.features32 == [1, 2, 3, 4]:
                body = .scoreBatch(batch)
            case .getDecision(auditSequence: 12, transactionID: "", limit: 0): body = .getDecision(record: [1, 2, 3])
            case .listModels: body = .listModels([model])
            case .describeModel(ModelReference(bundle: "cards", alias: "challenger")): body = .describeModel(description)
            case .stats: body = .stats(stats)
            case .health: body = .health(health)
            case .setAlias(bundle: "cards", alias: "champion", version: 7, who: "me", why: "better"):
                body = .setAlias(previousVersion: 6, version: 7)
            case .rollback(bundle: "cards", alias: "", who: "me", why: "worse"): body = .rollback(previousVersion: 7, version: 6)
            default: return [.reply(Reply(id: seen.id, status: .unimplemented, error: ReplyError(reason: "METHOD", text: "")))]
            }
            return [.reply(Reply(id: seen.id, body: body))]
        }
        defer { server.stop() }
        #expect(try await client.hello().serverVersion == "assay-swift true")
        let request = ScoreBatchRequest(model: ModelReference(bundle: "cards"), features32: [1, 2, 3, 4], rowCount: 2)
        #expect(try await client.scoreBatch(request).scores == [0.5, 0.25])
        #expect(try await client.getDecision(auditSequence: 12) == [1, 2, 3])
        #expect(try await client.listModels() == [model])
        #expect(try await client.describeModel(ModelReference(bundle: "cards", alias: "challenger")) == description)
        #expect(try await client.stats() == stats)
        #expect(try await client.health() == health)
        #expect(try await client.setAlias(bundle: "cards", alias: "champion", version: 7, who: "me", why: "better") == (6, 7))
        #expect(try await client.rollback(bundle: "cards", who: "me", why: "worse") == (7, 6))
        await client.close()
    }

    @Test func bundleComesInPiecesOfOneVersion() async throws {
        let file = (0..<2_500).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let digest = SHA256Hasher.hash(file).bytes
        let (server, client) = try client { seen in
            guard case .fetchBundle(let model, let offset, _) = seen.body else { return [.nothing] }
            // By alias only at first: the alias may move while pieces are fetched.
            guard model.version == (offset == 0 ? 0 : 4) else { return [.nothing] }
            let bytes = Array(file[Int(offset)..<min(file.count, Int(offset) + 1_000)])
            let piece = BundlePiece(version: 4, digest: digest, byteCount: UInt64(file.count), offset: offset, bytes: bytes)
            return [.reply(Reply(id: seen.id, body: .fetchBundle(piece)))]
        }
        defer { server.stop() }
        let bundle = try await client.fetchBundle(ModelReference(bundle: "cards"), timeout: .seconds(10))
        #expect(bundle.bytes == file)
        #expect(bundle.version == 4)
        #expect(bundle.digest.bytes == digest)
        await client.close()
    }

    @Test(arguments: [(UInt64(3), UInt64(0), 2), (3, 1, 3), (2, 0, 3)])
    func bundleWhosePiecesDoNotFitIsRefused(byteCount: UInt64, offset: UInt64, pieceByteCount: Int) async throws {
        // A piece that never completes the file ends in an empty one; one at another offset; one beyond the size.
        let (server, client) = try client { seen in
            guard case .fetchBundle(_, let wanted, _) = seen.body else { return [.nothing] }
            let bytes = [UInt8](repeating: 1, count: wanted == 0 ? pieceByteCount : 0)
            let piece = BundlePiece(
                version: 1, digest: [UInt8](repeating: 0, count: 32), byteCount: byteCount, offset: wanted + offset, bytes: bytes)
            return [.reply(Reply(id: seen.id, body: .fetchBundle(piece)))]
        }
        defer { server.stop() }
        await #expect(throws: AssayError.badReply(cause: "pieces of a bundle that do not fit together")) {
            try await client.fetchBundle(ModelReference(bundle: "cards"), timeout: .seconds(10))
        }
        await client.close()
    }

    @Test func bundleWithAnotherDigestIsRefused() async throws {
        let (server, client) = try client { seen in
            let piece = BundlePiece(version: 1, digest: [UInt8](repeating: 0, count: 32), byteCount: 1, offset: 0, bytes: [1])
            return [.reply(Reply(id: seen.id, body: .fetchBundle(piece)))]
        }
        defer { server.stop() }
        await #expect(throws: AssayError.badReply(cause: "a bundle whose bytes do not have its digest")) {
            try await client.fetchBundle(ModelReference(bundle: "cards"), timeout: .seconds(10))
        }
        await client.close()
    }
}
