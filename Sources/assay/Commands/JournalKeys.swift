import ArgumentParser
import Audit
import Glibc
import Platform

/// `assay journal keygen`.
struct JournalKeygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Make the pair of keys that signs a journal's checkpoints.",
        discussion: """
            Writes the private key (mode 0600) to FILE and the public one to FILE.pub, and prints the public one. The server gets the private \
            key by the setting checkpoint-key; whoever verifies needs the public one. An existing file is never replaced.
            """)

    @Option(help: .init("File for the private key.", valueName: "FILE"), completion: .file()) var key: String

    func run() throws {
        let privateKey = Ed25519PrivateKey()
        let publicPath = key + ".pub"
        try failing {
            if File.exists(publicPath) { throw SystemError(operation: "create", path: publicPath, code: EEXIST) }
            try File.create(Array(privateKey.pem.utf8), at: key, mode: 0o600)
            try File.create(Array(privateKey.publicKey.pem.utf8), at: publicPath)
        }
        Output.line(String(privateKey.publicKey.pem.dropLast()))
    }
}

/// `assay journal checkpoint`.
struct JournalCheckpoint: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Print the newest checkpoint as a line to be kept elsewhere.",
        discussion: "Where whoever can write the journal can not write: another team's store, a ticket, paper. "
            + "`assay journal verify --checkpoint` holds it against the journal later.")

    @Argument(help: .init("Directory of the journal.", valueName: "DIR"), completion: .directory) var directory: String

    func run() throws {
        guard let line = try failing({ try CheckpointLine.newest(directory) }) else {
            throw CommandFailure(.refused, "\(directory) has no checkpoint; the server makes them when checkpoint-key is set")
        }
        Output.line(line.description)
    }
}
