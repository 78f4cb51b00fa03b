import ArgumentParser
import AssayClient
import Platform
import Wire

/// Which server is asked, and for how long.
struct ServerOptions: ParsableArguments {
    @Option(help: .init("HOST:PORT or unix:PATH (or ASSAY_SERVER). Default: 127.0.0.1:7170.", valueName: "ADDRESS")) var server:
        String?
    @Option(help: .init("How long to wait for connection and answer, 1-600000.", valueName: "MILLISECONDS")) var timeout = 5_000

    func validate() throws {
        guard (1...600_000).contains(timeout) else { throw ValidationError("'--timeout' is 1 to 600000 milliseconds") }
    }

    /// Runs `body` with a client of the server, and closes it in every case; its errors become the command's.
    func withClient<Value: Sendable>(_ body: (AssayClient) async throws(AssayError) -> Value) async throws -> Value {
        let text = server ?? Surroundings.variable("ASSAY_SERVER") ?? "127.0.0.1:7170"
        guard let address = ServerAddress(text) else {
            throw ValidationError("'\(text)' is not the address of a server: HOST:PORT or unix:PATH")
        }
        var configuration = ClientConfiguration()
        configuration.clientName = "assay-cli"
        configuration.clientVersion = Version.number
        configuration.timeout = .milliseconds(timeout)
        configuration.connectTimeout = .milliseconds(timeout)
        let client = AssayClient(address, configuration: configuration)
        let result: Result<Value, AssayError>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        await client.close()
        switch result {
        case .success(let value): return value
        case .failure(let error): throw CommandFailure(error, address: address)
        }
    }
}

extension CommandFailure {
    /// What the server answered is a refusal; everything else means that it could not be asked.
    init(_ error: AssayError, address: ServerAddress) {
        if let status = error.status {
            self.init(.refused, "\(address) answered \(status.name): \(error.reason): \(error.text)")
        } else if case .cannotConnect = error {
            self.init(.unavailable, error.text)
        } else {
            self.init(.unavailable, "\(address): \(error.text)")
        }
    }
}
