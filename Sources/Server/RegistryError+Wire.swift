import Registry
import Wire

extension RegistryError {
    /// How an administrative request that failed so is answered.
    var wireStatus: Status {
        switch self {
        case .unknownBundle, .unknownVersion, .unknownAlias: .notFound
        case .invalidBundleName, .invalidAlias, .textTooLong, .controlCharacter: .invalidArgument
        case .nothingToRollBackTo, .refused, .nameDiffers, .unproven, .damaged, .digestDiffers, .byteCountDiffers, .vanished,
            .aliasVanished, .heldLimit, .aliasLimit, .versionsExhausted:
            .failedPrecondition
        case .lockTimeout: .resourceExhausted
        case .system, .notADirectory: .internal
        }
    }

    /// Another writer holds the lock for milliseconds unless it was stopped; everything else fails again as long as nothing changes.
    var wireRetryAfterMicroseconds: UInt64 {
        if case .lockTimeout = self { 1_000_000 } else { 0 }
    }

    var wireReason: String {
        switch self {
        case .unknownBundle: "UNKNOWN_BUNDLE"
        case .unknownVersion: "UNKNOWN_VERSION"
        case .unknownAlias: "UNKNOWN_ALIAS"
        case .invalidBundleName: "INVALID_BUNDLE_NAME"
        case .invalidAlias: "INVALID_ALIAS"
        case .textTooLong: "TEXT_TOO_LONG"
        case .controlCharacter: "CONTROL_CHARACTER"
        case .nothingToRollBackTo: "NOTHING_TO_ROLL_BACK_TO"
        case .refused, .nameDiffers, .digestDiffers, .byteCountDiffers: "BUNDLE_REFUSED"
        case .unproven: "UNPROVEN"
        case .damaged: "REGISTRY_DAMAGED"
        case .vanished, .aliasVanished: "VANISHED"
        case .heldLimit: "HELD_LIMIT"
        case .aliasLimit: "ALIAS_LIMIT"
        case .versionsExhausted: "VERSIONS_EXHAUSTED"
        case .lockTimeout: "LOCK_TIMEOUT"
        case .system, .notADirectory: "REGISTRY_IO"
        }
    }
}
