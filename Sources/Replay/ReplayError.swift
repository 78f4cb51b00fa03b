import Audit
import ModelBundle
import Registry

/// Why a replay or a backtest can't be done.
public enum ReplayError: Error, Sendable, CustomStringConvertible {
    case audit(AuditError)
    case registry(RegistryError)
    /// The journal has no record of that number, or none that is a decision.
    case noDecision(sequence: UInt64)
    /// The challenger's feature at `index` has no counterpart among what was recorded for `bundle`.
    case featureMissing(index: Int, name: String, bundle: String, version: UInt32)
    /// The recorded vectors have another length than the challenger's, and no registry tells their features' names.
    case featureCountDiffers(recorded: Int, challenger: Int, bundle: String, version: UInt32)
    /// A recorded vector has another length than its own bundle takes.
    case recordMalformed(sequence: UInt64)
    /// No decision of the window is of the bundle.
    case nothingToScore(bundle: String)
    case segmentUnknown(String)
    case tooManySegments(limit: Int)
    case tooManyDays(limit: Int)
    case tooManyBundles(limit: Int)
    case system(String)

    public var description: String {
        switch self {
        case .audit(let error): error.description
        case .registry(let error): error.description
        case .noDecision(let sequence): "the journal holds no decision with the number \(sequence)"
        case .featureMissing(let index, let name, let bundle, let version):
            "the challenger's feature \(index), '\(name)', is not among the recorded ones of \(bundle) version \(version)"
        case .featureCountDiffers(let recorded, let challenger, let bundle, let version):
            "\(bundle) version \(version) was recorded with \(recorded) features, the challenger takes \(challenger); "
                + "give the registry that has the recorded version, so that features can be matched by name"
        case .recordMalformed(let sequence): "record \(sequence) has another number of features than the bundle that it names"
        case .nothingToScore(let bundle): "no decision by \(bundle) in that part of the journal"
        case .segmentUnknown(let name): "'\(name)' is neither caller, alias, version, day, hour nor a feature of the challenger"
        case .tooManySegments(let limit): "more than \(limit) segments; take something with fewer values"
        case .tooManyDays(let limit): "the decisions are of more than \(limit) days"
        case .tooManyBundles(let limit): "the journal's records name more than \(limit) bundles"
        case .system(let text): text
        }
    }
}
