import Audit
import ModelBundle
import ModelImport
import Platform
import Privacy
import Registry
import Replay

/// Why a command ends without success: one sentence for stderr, and the exit code for scripts (docs/OPERATIONS.md lists them).
struct CommandFailure: Error, Equatable, CustomStringConvertible {
    enum Code: Int32 {
        /// What was asked for was looked at and is not so: bundle refused, journal damaged, request declined by the server.
        case refused = 1
        /// It could not be tried: a file is missing or unreadable, the server does not answer, the disk is full.
        case unavailable = 2
        /// Part of it could not be looked at; the rest is as asked for.
        case incomplete = 3
        /// The configuration is wrong (EX_CONFIG of sysexits.h); nothing was started.
        case configuration = 78
    }

    let code: Code
    let description: String

    init(_ code: Code, _ sentence: String) {
        self.code = code
        self.description = sentence
    }
}

extension CommandFailure {
    init(_ error: SettingsError) {
        self.init(.configuration, error.description)
    }

    init(_ error: BundleError) {
        if case .system = error { self.init(.unavailable, error.description) } else { self.init(.refused, error.description) }
    }

    init(_ error: ImportError) {
        if case .system = error { self.init(.unavailable, error.description) } else { self.init(.refused, error.description) }
    }

    init(_ error: SchemaFileError) {
        if case .system = error { self.init(.unavailable, error.description) } else { self.init(.refused, error.description) }
    }

    init(_ error: RegistryError) {
        switch error {
        case .system, .notADirectory, .lockTimeout, .refused(_, .system): self.init(.unavailable, error.description)
        default: self.init(.refused, error.description)
        }
    }

    init(_ error: PrivacyError) {
        switch error {
        case .payloadDamaged, .keyErased, .keyUnknown, .damaged, .inUse, .textTooLong: self.init(.refused, error.description)
        case .noStore, .full, .system: self.init(.unavailable, error.description)
        }
    }

    init(_ error: KeyFileError) {
        if case .system = error { self.init(.unavailable, error.description) } else { self.init(.refused, error.description) }
    }

    init(_ error: AuditError) {
        switch error {
        case .recordUnreadable, .identityDamaged, .journalInUse, .ringInUse, .formatUnknown:
            self.init(.refused, error.description)
        case .checkpointKey(let cause): self.init(CommandFailure(cause).code, error.description)
        default: self.init(.unavailable, error.description)
        }
    }
}

extension CommandFailure {
    init(_ error: ReplayError) {
        switch error {
        case .audit(let error): self.init(error)
        case .registry(let error): self.init(error)
        case .noDecision, .featureMissing, .featureCountDiffers, .recordMalformed: self.init(.refused, error.description)
        default: self.init(.unavailable, error.description)
        }
    }
}

/// Runs a call into a module and turns its typed error into the command's failure.
func failing<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch { throw CommandFailure(mapping: error) }
}

extension CommandFailure {
    /// Any error of the modules; what is none of those that tell a refusal from a failure to try counts as the latter.
    init(mapping error: any Error) {
        self =
            switch error {
            case let error as CommandFailure: error
            case let error as BundleError: CommandFailure(error)
            case let error as ImportError: CommandFailure(error)
            case let error as SchemaFileError: CommandFailure(error)
            case let error as RegistryError: CommandFailure(error)
            case let error as KeyFileError: CommandFailure(error)
            case let error as AuditError: CommandFailure(error)
            case let error as PrivacyError: CommandFailure(error)
            case let error as ReplayError: CommandFailure(error)
            default: CommandFailure(.unavailable, "\(error)")
            }
    }
}
