import ArgumentParser

/// Which server is asked.
struct ServerOptions: ParsableArguments {
    @Option(help: .init("HOST:PORT or unix:PATH (or ASSAY_SERVER).", valueName: "ADDRESS")) var server: String?
    @Option(help: .init("How long to wait for connection and answer, 1-600000.", valueName: "MILLISECONDS")) var timeout = 5_000

    func validate() throws {
        guard (1...600_000).contains(timeout) else { throw ValidationError("'--timeout' is 1 to 600000 milliseconds") }
    }

    func address() throws -> ServerCall.Address {
        let text = server ?? Surroundings.variable("ASSAY_SERVER") ?? "127.0.0.1:7170"
        guard let address = ServerCall.Address(text) else {
            throw ValidationError("'\(text)' is not the address of a server: HOST:PORT or unix:PATH")
        }
        return address
    }
}
